/** The form with the one button. Its state stands in `data-state`; every sentence is in the page already. */
import { PushProblem, chosen, obstacle, tryOut, turnOff, turnOn } from "./push.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("subscribe-form"));
const button = /** @type {HTMLButtonElement} */ (document.getElementById("subscribe-button"));
const detail = /** @type {HTMLElement} */ (document.getElementById("subscribe-detail"));
const everywhere = /** @type {HTMLInputElement} */ (form.elements.namedItem("everywhere"));
const language = /** @type {HTMLSelectElement} */ (form.elements.namedItem("language"));
const joined = /** @type {?HTMLInputElement} */ (form.elements.namedItem("joined"));
const places = [.../** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("input[name=places]"))];

/**
 * @param {string} state
 * @param {string} [words]
 */
function show(state, words = "") {
  form.dataset.state = state;
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-when]"))) {
    part.hidden = !(part.dataset.when ?? "").split(" ").includes(state);
  }
  detail.textContent = words;
  button.disabled = state === "working";
}

/** @param {Wanted} wanted */
function fill(wanted) {
  everywhere.checked = wanted.everywhere;
  for (const place of places) place.checked = wanted.places.includes(place.value);
  language.value = wanted.language;
  if (joined) joined.checked = wanted.joined;
}

function read() {
  const all = everywhere.checked;
  return {
    language: language.value,
    places: all ? [] : places.filter((place) => place.checked).map((place) => place.value),
    everywhere: all,
    joined: joined?.checked ?? false,
  };
}

/**
 * @param {() => Promise<void>} work
 * @param {string} state
 */
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
  const changed = /** @type {HTMLInputElement} */ (event.target);
  if (changed.name === "places" && changed.checked) everywhere.checked = false;
  if (changed === everywhere && everywhere.checked) places.forEach((place) => (place.checked = false));
});

const remove = /** @type {HTMLElement} */ (document.getElementById("subscribe-remove"));
const test = /** @type {HTMLElement} */ (document.getElementById("subscribe-test"));
remove.addEventListener("click", () => attempt(turnOff, "removed"));
test.addEventListener("click", () => attempt(() => tryOut(test.dataset.title ?? "", test.dataset.body ?? ""), "on"));

async function begin() {
  const problem = obstacle();
  const wanted = problem ? undefined : await chosen();
  if (wanted) fill(wanted);
  show(problem ?? (wanted && Notification.permission === "granted" ? "on" : "off"));
}

form.hidden = false;
begin().catch(() => show("off"));
