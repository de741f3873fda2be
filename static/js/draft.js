// A form that keeps itself: <form data-draft="/address">. As typed, with a pause; again after a lost connection.
// The server answers 2xx (its HTML, if any, goes into the element that data-draft-answer selects), or a sentence
// as text/plain with 4xx. What was said stands in [data-draft-status]; leaving asks only while something is unsaved.
import { csrfToken, endedLogin } from "./asking.js";
import { clock, say } from "./words.js";

const PAUSE_MS = 800;
const RETRY_MS = [2_000, 4_000, 8_000, 15_000, 30_000];
// What fetch may still send while the page goes away.
const KEEPALIVE_BYTES = 60_000;

class Draft {
  constructor(form) {
    this.form = form;
    this.status = document.querySelector(form.dataset.draftStatus || "[data-draft-status]");
    this.typed = 0; // counts what was typed; saved is the count that the server has
    this.saved = 0;
    this.failures = 0;
    this.leaving = false;
    form.addEventListener("input", () => this.changed());
    form.addEventListener("change", () => this.changed());
    form.addEventListener("submit", (event) => queueMicrotask(() => event.defaultPrevented || this.submitted()));
    window.addEventListener("online", () => this.dirty && this.soon(0));
    window.addEventListener("beforeunload", (event) => this.dirty && !this.leaving && event.preventDefault());
    window.addEventListener("pageshow", () => { this.leaving = false; });
    document.addEventListener("visibilitychange", () => document.hidden && this.dirty && this.flush());
  }

  get dirty() {
    return this.typed !== this.saved;
  }

  changed() {
    this.typed += 1;
    this.soon(this.failures ? RETRY_MS[0] : PAUSE_MS);
  }

  soon(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), ms);
  }

  tell(key, values, bad = false) {
    if (!this.status) return;
    this.status.textContent = values === undefined ? key : say(key, values);
    this.status.dataset.state = bad ? "bad" : "good";
  }

  fields() {
    const data = new FormData(this.form);
    for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
    return data;
  }

  async save({ keepalive = false } = {}) {
    if (this.sending && !keepalive) return; // looks again when that one is back
    if (!this.dirty) return;
    const sent = this.typed;
    this.sending = new AbortController();
    if (!keepalive) this.tell("draft-saving", {});
    try {
      const answer = await fetch(this.form.dataset.draft, {
        method: "POST", body: this.fields(), keepalive, signal: this.sending.signal,
        headers: { "X-CSRFToken": csrfToken(), "X-Requested-With": "XMLHttpRequest" },
      });
      await this.answered(answer, sent);
    } catch (error) {
      if (error.name !== "AbortError") this.failed("draft-offline");
    } finally {
      this.sending = null;
    }
    if (this.dirty && !this.failures && !this.leaving) this.soon(PAUSE_MS);
  }

  async answered(answer, sent) {
    if (endedLogin(this.form.dataset.draft, answer.url) || answer.status === 403) {
      this.failed("draft-logged-out");
      return;
    }
    const text = await answer.text();
    if (!answer.ok) {
      if (answer.status < 500 && answer.headers.get("Content-Type")?.startsWith("text/plain")) {
        this.saved = sent; // read and refused in words: sending the same again would not help
        this.tell(text, undefined, true);
      } else this.failed("draft-failed");
      return;
    }
    this.failures = 0;
    this.saved = Math.max(this.saved, sent);
    this.tell("draft-saved", { time: clock() });
    const place = this.form.dataset.draftAnswer && document.querySelector(this.form.dataset.draftAnswer);
    if (place && text) {
      place.innerHTML = text;
      window.htmx?.process(place);
    }
    this.form.dispatchEvent(new CustomEvent("draft:saved", { bubbles: true }));
  }

  failed(key) {
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    this.tell(key, {}, true);
    this.soon(wait);
  }

  flush() {
    const bytes = new Blob([new URLSearchParams(this.fields()).toString()]).size;
    if (bytes < KEEPALIVE_BYTES) this.save({ keepalive: true });
  }

  // The form itself is on its way and carries everything.
  submitted() {
    this.leaving = true;
    clearTimeout(this.timer);
    this.sending?.abort();
  }
}

document.querySelectorAll("form[data-draft]").forEach((form) => new Draft(form));
