// Passkeys. form[data-passkey="create"|"get"] asks the browser before it is sent, and sends what the browser answers as
// `credential`. What to ask stands in the JSON at data-passkey-options, or is fetched from data-passkey-url.
// What goes wrong is said in the form's [data-passkey-status].
import { say } from "./words.js";

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const withBytes = (credentials) => credentials?.map((each) => ({ ...each, id: bytes(each.id) }));

async function options(form) {
  const { passkeyUrl, passkeyOptions } = form.dataset;
  if (!passkeyUrl) return JSON.parse(document.querySelector(passkeyOptions).textContent);
  const answer = await fetch(passkeyUrl, { headers: { Accept: "application/json", "X-Requested-With": "XMLHttpRequest" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

async function create(asked) {
  const wanted = asked.creation_options.publicKey;
  return navigator.credentials.create({
    publicKey: {
      ...wanted,
      challenge: bytes(wanted.challenge),
      user: { ...wanted.user, id: bytes(wanted.user.id) },
      excludeCredentials: withBytes(wanted.excludeCredentials),
      // Found without an e-mail, unlocked by finger, face or PIN: it is then both factors at once.
      authenticatorSelection: { ...wanted.authenticatorSelection, residentKey: "required", requireResidentKey: true, userVerification: "required" },
    },
  });
}

async function get(asked) {
  const wanted = asked.request_options.publicKey;
  return navigator.credentials.get({
    publicKey: { ...wanted, challenge: bytes(wanted.challenge), allowCredentials: withBytes(wanted.allowCredentials) },
  });
}

function plain(credential) {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = text(credential.response[part]);
  }
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  };
}

async function ask(form) {
  const status = form.querySelector("[data-passkey-status]");
  status.textContent = "";
  if (!window.PublicKeyCredential) {
    status.textContent = say("passkey-none");
    return;
  }
  try {
    const asked = await options(form);
    const credential = await (form.dataset.passkey === "create" ? create(asked) : get(asked));
    form.elements.credential.value = JSON.stringify(plain(credential));
    form.submit();
  } catch (error) {
    // Turned away by the person, run out of time, known already: the browser tells pages no more than that.
    status.textContent = say(error.name === "InvalidStateError" ? "passkey-known" : "passkey-failed");
  }
}

// Before once.js looks at it.
document.addEventListener("submit", (event) => {
  if (!("passkey" in event.target.dataset)) return;
  event.preventDefault();
  ask(event.target);
}, { capture: true });
