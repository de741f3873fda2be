// What a look at the page finds wrong; run by test_look_in_browser.py. Returns sentences, none where all is well.
() => {
  const found = [];
  const name = (e) => `${e.tagName.toLowerCase()}${e.id ? "#" + e.id : ""}.${[...e.classList].join(".")} "${(e.textContent || e.value || "").trim().slice(0, 30)}"`;
  const seen = (e) => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== "hidden" && !e.closest(".for-ear, .skip, details:not([open]) > :not(summary)");

  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".chips, .scroll, .bar nav")).slice(-3);
    found.push(`wider than the screen by ${document.documentElement.scrollWidth - innerWidth}: ${wide.map(name)}`);
  }

  // A link inside a sentence is as tall as its line; everything else can be hit with a thumb.
  for (const e of document.querySelectorAll("button, .btn, summary, .chips a, .bar a, input:not([type=hidden]), select, textarea, .segments > *, a.choose, .files a")) {
    if (!seen(e)) continue;
    const label = e.closest("label");
    const box = (label || e).getBoundingClientRect();
    const reach = getComputedStyle(e, "::after").position === "absolute" && e.closest(".segments") ? 8 : 0;
    if (box.height + reach < 44 || box.width < 24) found.push(`too small to press, ${Math.round(box.width)}×${Math.round(box.height + reach)}: ${name(e)}`);
  }

  const rgb = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      const values = rgb(c);
      if (c.startsWith("rgb") && (values.length === 3 || values[3] === 1)) return values;
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !seen(e) || e.closest("template, script, [disabled], kbd, svg")) continue;
    const style = getComputedStyle(e);
    const [one, other] = [light(rgb(style.color)), light(ground(e))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(`too pale, ${ratio.toFixed(2)}: ${name(e)}`);
    const size = parseFloat(style.fontSize);
    if (size < (e.closest(".family") ? 15 : 13)) found.push(`too small to read, ${size}: ${name(e)}`);
  }

  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (seen(e) && !e.labels.length && !e.getAttribute("aria-label") && !e.getAttribute("aria-labelledby")) found.push(`no label: ${name(e)}`);
  }
  for (const e of document.querySelectorAll("[aria-describedby]")) {
    for (const id of e.getAttribute("aria-describedby").split(" ")) if (!document.getElementById(id)) found.push(`described by nothing, ${id}: ${name(e)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) found.push(`two elements are called ${id}`);
  for (const image of document.querySelectorAll("img")) {
    if (seen(image) && image.complete && !image.naturalWidth) found.push(`broken picture: ${name(image)}`);
    if (!image.hasAttribute("alt")) found.push(`picture without alt: ${image.src.slice(0, 60)}`);
  }
  return found;
}
