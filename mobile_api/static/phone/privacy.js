/** Shows what this phone has stored, and deletes all of it here and at the server. */
import { chosen, turnOff } from "./push.js";

const PREFIX = "realis.";
const box = document.getElementById("forget");
const button = document.getElementById("forget-button");

function word(name) {
  return box.querySelector(`[data-word="${name}"]`).textContent;
}

function put(name, text) {
  box.querySelector(`[data-stored="${name}"]`).textContent = text || "–";
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
  document.getElementById("stored").hidden = false;
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

function show(state) {
  box.dataset.state = state;
  for (const part of box.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== state;
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
