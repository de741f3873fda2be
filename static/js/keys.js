// Keys for those who do this all night. data-key="n" on a link or button presses it, on a box goes into it;
// j and k walk the rows (.rows > *, or [data-row]); ? shows what there is. Never while typing, and they can be turned off.
import { say } from "./words.js";

const OFF = "keys-off";

const off = () => {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false;
  }
};

// By place on the keyboard: with the Korean layout on, the key n says ㅜ.
function pressed(event) {
  if (event.key === "?" || event.key === "/") return event.key;
  if (event.code.startsWith("Key")) return event.code.slice(3).toLowerCase();
  if (event.code.startsWith("Digit")) return event.code.slice(5);
  if (event.code === "Slash") return event.shiftKey ? "?" : "/";
  return event.key;
}

function typing(target) {
  return target.closest?.("input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select, [contenteditable]");
}

const usable = (element) => !element.disabled && element.getClientRects().length > 0;

function walk(step) {
  const rows = [...document.querySelectorAll(".rows > *, [data-row]")];
  if (!rows.length) return;
  const here = rows.findIndex((row) => row.contains(document.activeElement));
  const from = here < 0 && step < 0 ? rows.length : here;
  const next = rows[Math.min(rows.length - 1, Math.max(0, from + step))];
  const target = next.matches("a, button, [tabindex]") ? next : next.querySelector("a, button");
  target?.focus();
  next.scrollIntoView({ block: "nearest" });
}

function words(element) {
  const copy = element.cloneNode(true);
  copy.querySelectorAll("kbd").forEach((kbd) => kbd.remove());
  return element.dataset.keySays || element.getAttribute("aria-label") || copy.textContent.trim() || element.placeholder || "";
}

function help() {
  const dialog = document.querySelector("template#keys").content.firstElementChild.cloneNode(true);
  const list = dialog.querySelector("dl");
  const add = (key, what) => {
    const row = dialog.querySelector("template").content.cloneNode(true);
    row.querySelector("kbd").textContent = key;
    row.querySelector("dd").textContent = what;
    list.append(row);
  };
  for (const element of document.querySelectorAll("[data-key]")) if (usable(element)) add(element.dataset.key, words(element));
  if (document.querySelector(".rows > *, [data-row]")) add("j k", say("keys-walk"));
  add("?", say("keys-help"));
  const box = dialog.querySelector("input");
  box.checked = !off();
  box.addEventListener("change", () => {
    try {
      localStorage.setItem(OFF, box.checked ? "0" : "1");
    } catch {
      // for this page only, then: nothing to keep it in
    }
  });
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}

function press(key) {
  const around = document.querySelector("dialog[open]") || document;
  const target = [...around.querySelectorAll("[data-key]")].find((element) => element.dataset.key === key && usable(element));
  if (!target) return false;
  if (target.matches("input:not([type=radio], [type=checkbox]), textarea, select")) {
    target.focus();
    target.select?.();
  } else {
    target.click();
    if (target.matches("input")) target.focus();
  }
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.repeat && !"jk".includes(pressed(event))) return;
  if (event.key === "Escape" && event.target.matches?.(".search")) event.target.blur();
  if (typing(event.target)) return;
  const key = pressed(event);
  // How to turn the keys on again is always within reach.
  if (key === "?" && document.querySelector("template#keys") && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    help();
    return;
  }
  if (off()) return;
  if (press(key)) event.preventDefault();
  else if ((key === "j" || key === "k") && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    walk(key === "j" ? 1 : -1);
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-keys-help]")) help();
});
