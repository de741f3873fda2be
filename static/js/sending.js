// A family's photos, one after another and each in pieces: what a lost connection leaves unsent goes on from where the
// server says it stopped, even after the page was closed, once the same photo is chosen again.
//   <form data-send="…" data-list="#photos" data-max-bytes="…"> with file fields
//   POST data-send {mark, name, size}     → {code, offset, piece}
//   PUT  data-send + code/ Content-Range  → {offset}, at the end {photo: its part of the page}; 409 {offset}: go on there
// 422 and 507 say in a sentence why nothing was kept, 429 in Retry-After when to go on. Without script the form sends
// its files whole.
import { clock, say } from "./words.js";

const MINUTE_MS = 60_000;
const PATIENCE_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

class Refused extends Error {
  constructor(sentence, mayTryAgain) {
    super(sentence);
    this.mayTryAgain = mayTryAgain;
  }
}

class Line {
  constructor(file) {
    this.element = document.querySelector("template#sending").content.firstElementChild.cloneNode(true);
    this.part("name").textContent = file.name.normalize("NFC");
    // Browsers that cannot read a kind of picture (HEIC) show the empty tile.
    this.address = URL.createObjectURL(file);
    const image = this.part("image");
    image.addEventListener("load", () => { image.hidden = false; });
    image.src = this.address;
    this.tell("send-waiting");
  }

  part(name) {
    return this.element.querySelector(`[data-part="${name}"]`);
  }

  tell(word, values) {
    this.part("told").textContent = say(word, values);
  }

  show(sent, size) {
    const percent = Math.floor((100 * sent) / size);
    this.part("meter").value = percent;
    if (percent < 100) this.tell("send-under-way", { percent });
    else this.tell("send-reading");
  }

  fail(sentence, again) {
    this.element.classList.add("bad");
    this.part("told").textContent = sentence;
    this.part("meter").hidden = true;
    this.part("again").hidden = !again;
    this.part("again").onclick = () => {
      this.element.classList.remove("bad");
      this.part("meter").hidden = false;
      this.part("again").hidden = this.part("away").hidden = true;
      again();
    };
    this.part("away").hidden = false;
    this.part("away").onclick = () => this.remove();
  }

  remove() {
    URL.revokeObjectURL(this.address);
    this.element.remove();
  }
}

class Sending {
  constructor(form) {
    this.form = form;
    this.address = form.dataset.send;
    this.waiting = [];
    this.busy = false;
    form.addEventListener("change", (event) => {
      if (event.target.type !== "file") return;
      for (const file of event.target.files) this.add(file);
      event.target.value = ""; // the same photo may be chosen again
    });
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  add(file) {
    const line = new Line(file);
    document.querySelector("#uploads").append(line.element);
    const most = Number(this.form.dataset.maxBytes);
    if (!file.size) line.fail(say("send-empty"));
    else if (file.size > most) line.fail(say("send-too-large", { most: Math.floor(most / 1024 / 1024) }));
    else this.queue(file, line);
  }

  queue(file, line) {
    line.tell("send-waiting");
    this.waiting.push([file, line]);
    if (!this.busy) this.next();
  }

  async next() {
    this.busy = true;
    while (this.waiting.length) {
      const [file, line] = this.waiting.shift();
      try {
        this.received(line, await this.send(file, line));
      } catch (error) {
        const refused = error instanceof Refused;
        // A fault of ours stops this photo and not the next ones.
        if (!refused) reportError(error);
        line.fail(refused ? error.message : say("send-failed"), (!refused || error.mayTryAgain) && (() => this.queue(file, line)));
      }
    }
    this.busy = false;
  }

  // The photo's part of the page, once all of it is there.
  async send(file, line) {
    const mark = `${file.name}:${file.lastModified}`;
    const form = () => new URLSearchParams({ mark, name: file.name.normalize("NFC"), size: file.size });
    let stand = await ask(line, () => fetch(this.address, { method: "POST", body: form() }));
    const there = new URL(`${stand.code}/`, new URL(this.address, location.href));
    while (!stand.photo) {
      line.show(stand.offset, file.size);
      const end = Math.min(stand.offset + (stand.piece || piece), file.size);
      piece = stand.piece || piece;
      const range = `bytes ${stand.offset}-${end - 1}/${file.size}`;
      const body = file.slice(stand.offset, end);
      if (end === file.size) line.show(end, file.size);
      stand = await ask(line, () => fetch(there, { method: "PUT", body, headers: { "Content-Range": range } }));
    }
    return stand.photo;
  }

  received(line, html) {
    const holder = document.createElement("template");
    holder.innerHTML = html.trim();
    const made = holder.content.firstElementChild;
    document.getElementById(made.id)?.remove();
    document.querySelector(this.form.dataset.list).append(made);
    document.querySelector("#photos-title").hidden = false;
    line.remove();
  }
}

let piece = 1024 * 1024;

// Asks until there is an answer of ours: a lost connection, a network that answers with a page of its own and a server
// that is busy are waited for.
async function ask(line, request) {
  for (let tries = 0; ; tries += 1) {
    const answer = await request().catch(() => null);
    const stand = answer?.ok || answer?.status === 409 ? await answer.json().catch(() => null) : null;
    if (Number.isInteger(stand?.offset)) return stand;
    if (answer && answer.status === 404) throw new Refused(say("send-closed"), false);
    if (answer && [400, 422, 507].includes(answer.status)) throw new Refused(await answer.text(), answer.status !== 422);
    if (answer && answer.status === 500) throw new Refused(say("send-failed"), true);
    const asked = 1_000 * (Number(answer?.headers.get("Retry-After")) || 0);
    if (answer?.status === 429 && asked >= MINUTE_MS) line.tell("send-later", { time: clock(new Date(Date.now() + asked + MINUTE_MS)) });
    else line.tell(answer && !answer.ok ? "send-waiting" : "send-offline");
    await pause(asked || PATIENCE_MS[Math.min(tries, PATIENCE_MS.length - 1)]);
  }
}

// So long, or until the browser says that it is connected again.
function pause(milliseconds) {
  return new Promise((done) => {
    const timer = setTimeout(go, milliseconds);
    function go() {
      clearTimeout(timer);
      window.removeEventListener("online", go);
      done();
    }
    window.addEventListener("online", go);
  });
}

document.documentElement.dataset.js = "";
const sendings = [...document.querySelectorAll("form[data-send]")].map((form) => new Sending(form));
window.addEventListener("beforeunload", (event) => sendings.some((each) => each.busy) && event.preventDefault());
