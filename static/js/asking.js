// What every request of a script needs: the CSRF token, and to notice that the login has ended.

/** Read from the cookie each time: a login in another tab changes the token that this page was made with. */
export function csrfToken() {
  const [, token] = /(?:^|; )(?:__Host-)?csrftoken=([^;]*)/.exec(document.cookie) ?? [];
  return token ? decodeURIComponent(token) : document.querySelector("[name=csrfmiddlewaretoken]")?.value || "";
}

/** True when an answer is not that of the asked address but of the login page it was sent on to. */
export function endedLogin(asked, answered) {
  return Boolean(answered) && new URL(answered, location.href).pathname !== new URL(asked, location.href).pathname;
}

// A form made before such a login would be refused; it goes with the token of today.
document.addEventListener("submit", (event) => {
  const field = event.target.elements?.csrfmiddlewaretoken;
  const token = csrfToken();
  if (field && token) field.value = token;
}, true);

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = csrfToken();
});
