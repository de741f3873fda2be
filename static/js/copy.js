// data-copy="#box" copies what the box holds; a box with data-select is selected whole when it is entered.
import { say } from "./words.js";

async function copy(box) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(box.value);
    return true;
  }
  box.select(); // no clipboard on plain HTTP: the old way, which needs the selection
  return document.execCommand("copy");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  const box = button && document.querySelector(button.dataset.copy);
  if (!box) return;
  const done = await copy(box).catch(() => false);
  if (!done) {
    box.focus(); // selected, so that it can be copied by hand
    box.select();
    return;
  }
  const words = button.textContent;
  button.textContent = say("copied");
  setTimeout(() => { button.textContent = words; }, 2_000);
});

document.addEventListener("focusin", (event) => event.target.matches?.("[data-select]") && event.target.select());
