/** Shows what this phone has stored, and deletes all of it here and at the server. */
import { chosen, turnOff } from "./push.js";

const PREFIX = "realis.";
const box = /** @type {HTMLElement} */ (document.getElementById("forget"));
const button = /** @type {HTMLButtonElement} */ (document.getElementById("forget-button"));

/** @param {string} name */
function word(name) {
  return /** @type {Element} */ (box.querySelector(`[data-word="${name}"]`)).textContent;
}

/**
 * @param {string} name
 * @param {?string | undefined} text
 */
function put(name, text) {
  /** @type {Element} */ (box.querySelector(`[data-stored="${name}"]`)).textContent = text || "–";
}

function courseKeys() {
  return Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
}

async function list() {
  const wanted = await chosen();
  put("push", word(wanted ? "yes" : "no"));
  put("language", wanted?.language);
  put("places", wanted?.everywhere ? word("everywhere") : wanted?.places.join(", "));
  put("courses", String(courseKeys().length));
  /** @type {HTMLElement} */ (document.getElementById("stored")).hidden = false;
}

async function forget() {
  await turnOff();
  courseKeys().forEach((key) => localStorage.removeItem(key));
  sessionStorage.clear();
  for (const name of ["lang", "exercise"]) document.cookie = `${name}=; Max-Age=0; Path=/; SameSite=Lax`;
  await self.keep.forget();
  for (const name of await caches.keys()) await caches.delete(name);
  await (await navigator.serviceWorker.getRegistration("/"))?.unregister();
}

/** @param {string} state */
function show(state) {
  box.dataset.state = state;
  const parts = /** @type {NodeListOf<HTMLElement>} */ (box.querySelectorAll("[data-when]"));
  for (const part of parts) part.hidden = part.dataset.when !== state;
}

button.addEventListener("click", async () => {
  button.disabled = true;
  try {
    await forget();
    show("done");
    await list();
  } catch (error) {
    console.warn("not deleted", error);
    show("failed");
  } finally {
    button.disabled = false;
  }
});

button.hidden = false;
list().catch((error) => console.warn("cannot list", error));
