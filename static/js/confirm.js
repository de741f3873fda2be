// Asks before what cannot be undone, naming it.
//   data-confirm="고 김영자 님의 의뢰를 취소합니다."   the sentence; on a form, a submit button or a link
//   data-confirm-title, data-confirm-yes               heading and the button's words
//   data-confirm-type="김영자"                          the word to type first; sent along as the field `typed`
// Without script the form goes straight out: the server asks again where it matters.
import { say } from "./words.js";

const agreed = new WeakSet();

function ask(source) {
  const dialog = document.querySelector("template#confirm").content.firstElementChild.cloneNode(true);
  const { confirm, confirmTitle, confirmYes, confirmType } = source.dataset;
  const find = (part) => dialog.querySelector(`[data-part="${part}"]`);
  find("title").textContent = confirmTitle || say("confirm-title");
  find("text").textContent = confirm;
  const yes = find("yes");
  yes.textContent = confirmYes || source.textContent.trim() || say("confirm-yes");
  if (source.matches(".danger") || confirmType) yes.classList.add("danger");
  const typing = find("typing");
  const box = typing.querySelector("input");
  typing.hidden = !confirmType;
  if (confirmType) {
    typing.querySelector("label").textContent = say("confirm-type", { word: confirmType });
    const fits = () => box.value.normalize("NFC").trim() === confirmType.normalize("NFC").trim();
    yes.disabled = true;
    box.addEventListener("input", () => { yes.disabled = !fits(); });
  }
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes" ? { typed: box.value } : null);
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.showModal();
    (confirmType ? box : find("no")).focus();
  });
}

function carry(form, typed) {
  let field = form.elements.namedItem("typed");
  if (!field) {
    field = Object.assign(document.createElement("input"), { type: "hidden", name: "typed" });
    form.append(field);
  }
  field.value = typed;
}

// Capturing, so that nothing else believes the form is on its way.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const source = event.submitter?.dataset.confirm ? event.submitter : form;
  if (!source.dataset.confirm || agreed.delete(form)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const { submitter } = event;
  ask(source).then((answer) => {
    if (!answer) {
      submitter?.focus();
      return;
    }
    if (source.dataset.confirmType) carry(form, answer.typed);
    agreed.add(form);
    form.requestSubmit(submitter);
  });
}, true);

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-confirm]");
  if (!link || link.hasAttribute("hx-get") || event.defaultPrevented) return;
  event.preventDefault();
  ask(link).then((answer) => { if (answer) location.assign(link.href); });
});

// Elements that htmx sends by themselves; a form has been asked about at its submit event.
document.addEventListener("htmx:confirm", (event) => {
  const source = event.detail.elt;
  if (!source.dataset?.confirm || source.tagName === "FORM") return;
  event.preventDefault();
  ask(source).then((answer) => { if (answer) event.detail.issueRequest(true); });
});
