// Photos, several at once, each on its own: one that fails keeps its sentence, the others go on.
//   <form class="drop" data-upload="#list" data-url="…" data-max-bytes="…"> with <input type="file" name="photos" multiple>
// Each file is posted alone to data-url (the form's action where absent) under the input's name. The server answers
// 2xx with the HTML of one list item, which takes the waiting one's place in the list, or 4xx with a sentence as text/plain.
// Afterwards the list fires "photos-changed". Without script the form sends all files together.
import { csrfToken, endedLogin } from "./asking.js";
import { say } from "./words.js";

let underWay = 0;

class Uploads {
  constructor(form) {
    this.form = form;
    this.list = document.querySelector(form.dataset.upload);
    this.waiting = [];
    this.sending = false;
    form.addEventListener("change", (event) => {
      if (event.target.type !== "file") return;
      this.add(event.target.name, event.target.files);
      event.target.value = ""; // the same file may be chosen again
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    // A drag passes over the children too: counted, or the zone would flicker.
    let depth = 0;
    const over = (by) => { depth = Math.max(0, depth + by); form.classList.toggle("over", depth > 0); };
    form.addEventListener("dragenter", (event) => { event.preventDefault(); over(1); });
    form.addEventListener("dragover", (event) => event.preventDefault());
    form.addEventListener("dragleave", () => over(-1));
    form.addEventListener("drop", (event) => {
      event.preventDefault();
      over(-depth);
      const name = form.querySelector("input[type=file]").name;
      this.add(name, event.dataTransfer.files);
    });
  }

  add(name, files) {
    for (const file of files) {
      const item = new Item(file);
      this.list.append(item.element);
      const most = Number(this.form.dataset.maxBytes || 0);
      if (file.size === 0) item.fail(say("upload-empty"));
      else if (most && file.size > most) item.fail(say("upload-too-large", { most: Math.floor(most / 1024 / 1024) }));
      else this.queue(name, item);
    }
  }

  queue(name, item) {
    item.wait();
    this.waiting.push([name, item]);
    this.next();
  }

  // One after another, in the order they were chosen: the first one becomes the portrait.
  next() {
    while (!this.sending && this.waiting.length) {
      const [name, item] = this.waiting.shift();
      if (item.gone) continue;
      this.sending = true;
      underWay += 1;
      this.send(name, item, () => {
        this.sending = false;
        underWay -= 1;
        this.next();
      });
    }
  }

  send(name, item, done) {
    const address = this.form.dataset.url || this.form.action;
    const request = new XMLHttpRequest(); // fetch tells nothing about how much has been sent
    const data = new FormData();
    data.append(name, item.file, item.file.name);
    request.open("POST", address);
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    request.upload.addEventListener("progress", (event) => item.progress(event.loaded, event.total));
    const again = () => this.queue(name, item);
    request.addEventListener("load", () => this.answered(request, address, item, again));
    request.addEventListener("error", () => item.fail(say("upload-offline"), again));
    request.addEventListener("abort", () => item.fail(say("upload-offline"), again));
    request.addEventListener("loadend", done);
    request.send(data);
  }

  answered(request, address, item, again) {
    const { status, responseText } = request;
    if (endedLogin(address, request.responseURL) || status === 401 || status === 403) item.fail(say("upload-logged-out"), again);
    else if (status >= 200 && status < 300) {
      item.become(responseText);
      this.list.dispatchEvent(new CustomEvent("photos-changed", { bubbles: true }));
    } else if (status === 413) item.fail(say("upload-too-large-for-server"));
    else if (status < 500 && request.getResponseHeader("Content-Type")?.startsWith("text/plain")) item.fail(responseText);
    else item.fail(say("upload-failed"), again);
  }
}

class Item {
  constructor(file) {
    this.file = file;
    this.element = document.querySelector("template#upload").content.firstElementChild.cloneNode(true);
    this.part("name").textContent = file.name.normalize("NFC");
    this.part("away").addEventListener("click", () => this.remove());
    this.preview();
  }

  part(name) {
    return this.element.querySelector(`[data-part="${name}"]`);
  }

  // Browsers that cannot read a kind of picture (HEIC) show the empty tile.
  preview() {
    const image = this.part("image");
    this.address = URL.createObjectURL(this.file);
    image.addEventListener("load", () => { image.hidden = false; });
    image.src = this.address;
  }

  wait() {
    this.element.classList.remove("bad");
    this.part("told").textContent = say("upload-waiting");
    this.part("meter").hidden = false;
    this.part("meter").removeAttribute("value");
    this.part("again").hidden = true;
    this.part("away").hidden = true;
  }

  progress(loaded, total) {
    this.part("meter").max = total || 1;
    this.part("meter").value = loaded;
    this.part("told").textContent = loaded < total ? say("upload-sending", { percent: Math.floor((100 * loaded) / total) }) : say("upload-reading");
  }

  fail(sentence, again) {
    this.element.classList.add("bad");
    this.part("told").textContent = sentence;
    this.part("meter").hidden = true;
    this.part("again").hidden = !again;
    this.part("again").onclick = again || null;
    this.part("away").hidden = false;
  }

  become(html) {
    URL.revokeObjectURL(this.address);
    const holder = document.createElement("template");
    holder.innerHTML = html.trim();
    const made = holder.content.firstElementChild;
    if (!made) return this.remove();
    this.element.replaceWith(made);
    window.htmx?.process(made);
  }

  remove() {
    this.gone = true;
    URL.revokeObjectURL(this.address);
    this.element.remove();
  }
}

document.querySelectorAll("form[data-upload]").forEach((form) => new Uploads(form));
window.addEventListener("beforeunload", (event) => underWay > 0 && event.preventDefault());
// A photo dropped beside the zone must not replace the page.
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => document.querySelector("form[data-upload]") && event.preventDefault());
