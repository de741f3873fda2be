// A double click sends once. The server holds to it as well (a form carries its own code); this spares the second trip.
// Not by `disabled`: that would drop the pressed button's value and survive a Back.

const FORGET_AFTER_MS = 20_000;

function mark(form, submitter) {
  form.dataset.sent = "";
  submitter?.setAttribute("aria-busy", "true");
  setTimeout(() => forget(form), FORGET_AFTER_MS);
}

function forget(form) {
  delete form.dataset.sent;
  for (const button of document.querySelectorAll("[aria-busy='true']")) {
    if (button.form === form) button.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || "many" in form.dataset) return;
  if ("sent" in form.dataset) {
    event.preventDefault();
    return;
  }
  mark(form, event.submitter);
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt.closest?.("form");
  if (form) forget(form);
});

// Back shows the page as it was left, sent marks included.
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(forget));
