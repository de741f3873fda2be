// "12분 뒤" stays true while the page is open; the words are those of portal_format.until.
import { say } from "./words.js";

const MINUTE = 60_000;

function told(left) {
  const minutes = Math.floor(Math.abs(left) / MINUTE);
  if (minutes === 0) return say("now");
  const [h, m] = [Math.floor(minutes / 60), minutes % 60];
  const late = left < 0 ? "late" : "in";
  if (!h) return say(`${late}-minutes`, { n: m });
  return m && h < 6 ? say(`${late}-hours-minutes`, { n: h, m }) : say(`${late}-hours`, { n: h });
}

function tick() {
  for (const time of document.querySelectorAll("time[data-until]")) {
    const left = Date.parse(time.dateTime) - Date.now();
    if (Number.isNaN(left) || Math.abs(left) >= 24 * 60 * MINUTE) continue; // days are counted by the calendar, at the server
    const text = told(left);
    if (time.textContent !== text) time.textContent = text;
    const due = time.closest(".due");
    due?.classList.toggle("late", left <= -MINUTE);
    due?.classList.toggle("soon", left > -MINUTE && left <= 60 * MINUTE);
  }
}

setInterval(tick, MINUTE / 2);
document.addEventListener("visibilitychange", () => document.hidden || tick());
document.addEventListener("htmx:afterSettle", tick);
