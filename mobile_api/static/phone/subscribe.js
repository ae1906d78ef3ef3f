/** The form with the one button. Its state stands in `data-state`; every sentence is in the page already. */
import { PushProblem, chosen, obstacle, tryOut, turnOff, turnOn } from "./push.js";

const form = document.getElementById("subscribe-form");
const button = document.getElementById("subscribe-button");
const detail = document.getElementById("subscribe-detail");
const everywhere = form.elements.everywhere;
const places = [...form.querySelectorAll("input[name=places]")];

function show(state, words = "") {
  form.dataset.state = state;
  for (const part of form.querySelectorAll("[data-when]")) {
    part.hidden = !part.dataset.when.split(" ").includes(state);
  }
  detail.textContent = words;
  button.disabled = state === "working";
}

function fill(wanted) {
  everywhere.checked = wanted.everywhere;
  for (const place of places) place.checked = wanted.places.includes(place.value);
  form.elements.language.value = wanted.language;
  if (form.elements.joined) form.elements.joined.checked = wanted.joined;
}

function read() {
  const all = everywhere.checked;
  return {
    language: form.elements.language.value,
    places: all ? [] : places.filter((place) => place.checked).map((place) => place.value),
    everywhere: all,
    joined: form.elements.joined?.checked ?? false,
  };
}

async function attempt(work, state) {
  show("working");
  try {
    await work();
    show(state);
  } catch (error) {
    console.warn("subscription", error);
    if (error instanceof PushProblem) show(error.state, error.detail);
    else show("failed");
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const wanted = read();
  if (!wanted.everywhere && wanted.places.length === 0) show("no-place");
  else attempt(() => turnOn(wanted), "on");
});

form.addEventListener("change", (event) => {
  if (event.target.name === "places" && event.target.checked) everywhere.checked = false;
  if (event.target === everywhere && everywhere.checked) places.forEach((place) => (place.checked = false));
});

document.getElementById("subscribe-remove").addEventListener("click", () => attempt(turnOff, "removed"));
document.getElementById("subscribe-test").addEventListener("click", ({ currentTarget }) => {
  attempt(() => tryOut(currentTarget.dataset.title, currentTarget.dataset.body), "on");
});

async function begin() {
  const problem = obstacle();
  const wanted = problem ? undefined : await chosen();
  if (wanted) fill(wanted);
  show(problem ?? (wanted && Notification.permission === "granted" ? "on" : "off"));
}

form.hidden = false;
begin().catch(() => show("off"));
