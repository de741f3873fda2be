// Dragging a portrait's cut: the picture follows the finger at once, and is asked for anew when the finger rests.

const form = document.querySelector("form[data-cut]");
const holder = document.querySelector("[data-drag]");
if (form && holder) begin();

function begin() {
  const picture = holder.querySelector("img");
  const slide = form.querySelector("[data-slide]");
  let held = null;
  let waiting = 0;
  holder.classList.add("ready");
  for (const part of form.querySelectorAll("[data-with-script]")) part.hidden = false;
  for (const part of form.querySelectorAll("[data-without-script]")) part.hidden = true;

  holder.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    holder.setPointerCapture(event.pointerId);
    holder.classList.add("held");
    held = { x: event.clientX, y: event.clientY, column: number("x"), eyes: number("eyes") };
  });
  holder.addEventListener("pointermove", (event) => {
    if (!held) return;
    const box = shownBox();
    const across = event.clientX - held.x;
    const down = event.clientY - held.y;
    put("x", held.column + (100 * across) / box.width);
    put("eyes", held.eyes + (100 * down) / box.height);
    picture.style.transform = `translate(${((number("x") - held.column) * box.width) / 100}px, ${((number("eyes") - held.eyes) * box.height) / 100}px)`;
  });
  for (const end of ["pointerup", "pointercancel"]) {
    holder.addEventListener(end, () => {
      if (!held) return;
      held = null;
      holder.classList.remove("held");
      show();
    });
  }
  holder.addEventListener("wheel", (event) => {
    event.preventDefault();
    put("head", number("head") - Math.sign(event.deltaY));
    later();
  }, { passive: false });
  slide.addEventListener("input", () => put("head", Number(slide.value)));
  form.addEventListener("input", (event) => {
    if (event.target.name === "head") slide.value = number("head");
    later();
  });

  // The picture keeps its shape in a holder that may be broader.
  function shownBox() {
    const box = holder.getBoundingClientRect();
    const ratio = Number(picture.getAttribute("width")) / Number(picture.getAttribute("height"));
    return { width: Math.min(box.width, box.height * ratio), height: Math.min(box.height, box.width / ratio) };
  }

  function number(name) {
    return Number(form.elements[name].value) || 0;
  }

  function put(name, value) {
    const field = form.elements[name];
    field.value = Math.round(Math.min(Math.max(value, Number(field.min)), Number(field.max)));
    if (name === "head") slide.value = field.value;
  }

  function later() {
    clearTimeout(waiting);
    waiting = setTimeout(show, 250);
  }

  function show() {
    const asked = new URLSearchParams({ head: number("head"), eyes: number("eyes"), x: number("x") });
    if (form.elements.ribbon.checked) asked.set("ribbon", "on");
    for (const each of document.querySelectorAll("img[data-shown]")) {
      const next = new Image();
      next.addEventListener("load", () => {
        each.src = next.src;
        each.style.transform = "";
      });
      next.src = `${each.dataset.shown}?${asked}`;
    }
  }
}
