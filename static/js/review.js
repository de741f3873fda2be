// What the review page can do beyond links and forms: keep what is looked at through a redraw, play a video quietly.

const chosen = new Map();

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id !== "judging") return;
  for (const radio of event.detail.target.querySelectorAll("input[type=radio]:checked")) chosen.set(radio.name, radio.value === "on" ? radio.id : radio.value);
});

document.addEventListener("htmx:afterSwap", () => {
  const part = document.querySelector("#judging");
  for (const radio of part?.querySelectorAll("input[type=radio]") ?? []) {
    const name = radio.value === "on" ? radio.id : radio.value;
    if (chosen.get(radio.name) === name) radio.checked = true;
  }
  play();
});

// Silent, and only where the reviewer's own settings do not ask for stillness.
function play() {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const video of document.querySelectorAll("video[data-quiet-play]")) {
    video.muted = true;
    if (video.getClientRects().length) video.play().catch(() => video.pause());
  }
}
play();
document.addEventListener("change", (event) => {
  if (event.target.name === "look") play();
});

// While a reason is being given, the keys belong to it: an "a" must not approve behind it.
window.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" && document.querySelector(".panel-over:popover-open")) event.stopPropagation();
}, true);
