// A signature by finger, pen or mouse. What was drawn goes into the form's hidden field as a PNG; whoever cannot draw
// writes the name instead, which needs no script. Listens on the document: the pad may come later, with a fragment.

const INK_WIDTH = 2.6;
// More than a hand needs and less than the server takes.
const MOST_PIXELS = 1600;
const strokes = new WeakMap();

function padOf(target) {
  return target.closest?.("[data-sign]");
}

function part(pad, name) {
  return pad.querySelector(`[data-part="${name}"]`);
}

function prepare(pad) {
  const canvas = part(pad, "pad");
  const { width, height } = canvas.getBoundingClientRect();
  if (!width) return null;
  const scale = Math.min(window.devicePixelRatio || 1, MOST_PIXELS / width);
  if (canvas.width !== Math.round(width * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    show(pad, canvas);
  }
  const pen = canvas.getContext("2d");
  pen.lineWidth = INK_WIDTH * scale;
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = getComputedStyle(canvas).color;
  return { canvas, pen, scale };
}

// What was signed before the page came back with a question, or before the phone was turned.
function show(pad, canvas) {
  const kept = part(pad, "field").value;
  if (!kept.startsWith("data:image/png;base64,")) return;
  const picture = new Image();
  picture.addEventListener("load", () => canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, (canvas.width * picture.height) / picture.width));
  picture.src = kept;
}

function placeOf(event, { canvas, scale }) {
  const box = canvas.getBoundingClientRect();
  return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
}

function draw(stroke, to) {
  const { pen, last } = stroke;
  const middle = { x: (last.x + to.x) / 2, y: (last.y + to.y) / 2 };
  pen.beginPath();
  pen.moveTo(stroke.middle.x, stroke.middle.y);
  pen.quadraticCurveTo(last.x, last.y, middle.x, middle.y);
  pen.stroke();
  stroke.last = to;
  stroke.middle = middle;
}

document.addEventListener("pointerdown", (event) => {
  const pad = padOf(event.target);
  if (!pad || event.button || event.target !== part(pad, "pad")) return;
  const ready = prepare(pad);
  if (!ready) return;
  event.preventDefault();
  event.target.setPointerCapture(event.pointerId);
  const at = placeOf(event, ready);
  strokes.set(event.target, { ...ready, last: at, middle: at });
});

document.addEventListener("pointermove", (event) => {
  const stroke = strokes.get(event.target);
  if (!stroke) return;
  const all = event.getCoalescedEvents?.() ?? [];
  for (const each of all.length ? all : [event]) draw(stroke, placeOf(each, stroke));
});

for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(end, (event) => {
    const stroke = strokes.get(event.target);
    if (!stroke) return;
    draw(stroke, placeOf(event, stroke));
    strokes.delete(event.target);
    const field = part(padOf(event.target), "field");
    field.value = stroke.canvas.toDataURL("image/png");
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

document.addEventListener("click", (event) => {
  const pad = padOf(event.target);
  if (!pad || event.target !== part(pad, "clear")) return;
  const canvas = part(pad, "pad");
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  part(pad, "field").value = "";
});

function reveal(root) {
  for (const pad of root.querySelectorAll("[data-sign]")) {
    pad.hidden = false;
    prepare(pad);
  }
}

reveal(document);
document.addEventListener("htmx:load", (event) => reveal(event.target));
// A pad in a closed fold or behind an unpicked choice has no size until it is shown.
document.addEventListener("toggle", (event) => reveal(event.target), true);
document.addEventListener("change", (event) => event.target.form && reveal(event.target.form));
window.addEventListener("resize", () => reveal(document));
