// The sentences scripts say, in the page's language: templates/portal/_words.html holds them.

/** The sentence under this key, its {places} filled; a key that is missing is an error of ours and says its name. */
export function say(key, values = {}) {
  const element = document.querySelector("template#words")?.content.querySelector(`[data-word="${key}"]`);
  const sentence = element ? element.textContent : key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** The clock where the funeral is, whatever the computer's own zone says. */
export function clock(date = new Date()) {
  return new Intl.DateTimeFormat("ko-KR", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "Asia/Seoul" }).format(date);
}
