// Parts of a page that htmx asks for again and again: unchanged parts cost a 304, a hidden page asks nothing,
// and a lost connection is said once, in words.

const tags = new Map();

const asksAgain = (element) => Boolean(element.getAttribute("hx-trigger")?.includes("every"));

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && asksAgain(event.detail.elt)) event.preventDefault();
});

document.addEventListener("htmx:configRequest", (event) => {
  const tag = event.detail.verb === "get" && asksAgain(event.detail.elt) && tags.get(event.detail.path);
  if (tag) event.detail.headers["If-None-Match"] = tag;
});

document.addEventListener("htmx:afterRequest", (event) => {
  const { xhr, requestConfig, successful } = event.detail;
  const tag = xhr?.getResponseHeader?.("ETag");
  if (successful && tag && requestConfig.verb === "get") tags.set(requestConfig.path, tag);
  if (xhr?.status) offline(false);
});

document.addEventListener("htmx:sendError", () => offline(true));
window.addEventListener("offline", () => offline(true));
window.addEventListener("online", () => offline(false));

function offline(yes) {
  const line = document.querySelector("#offline");
  if (line) line.hidden = !yes;
}

// What was told as done stays while it is news: not beside a page that has shown newer things for a while.
const TOLD_MS = 15_000;
document.addEventListener("htmx:afterSwap", () => {
  for (const message of document.querySelectorAll("#messages > .message.success")) {
    message.dataset.since ??= performance.now();
    const isOld = performance.now() - message.dataset.since > TOLD_MS;
    if (isOld && !message.contains(document.activeElement)) message.remove();
  }
});

document.addEventListener("click", (event) => {
  event.target.closest?.("[data-close-message]")?.closest(".message")?.remove();
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// A picture glimmers until it is there; `load` does not bubble, so it is caught on the way down.
const settle = (event) => event.target.matches?.(".photo > img") && event.target.parentElement.classList.remove("loading");
document.addEventListener("load", settle, true);
document.addEventListener("error", settle, true);
function glimmer() {
  for (const image of document.querySelectorAll(".photo > img")) {
    if (!image.complete) image.parentElement.classList.add("loading");
  }
}
glimmer();
document.addEventListener("htmx:afterSwap", glimmer);
