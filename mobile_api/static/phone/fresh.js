/**
 * Keeps a page true: asks for news, says how old it is without connection, and ends by its own clock what has run
 * out. It composes no warning; new text comes from the server.
 */
import { inForce } from "../js/in_force.js";

const EVERY_MS = 30000;
const SPREAD_MS = 10000;
const JUDGE_MS = 2000;
const WAIT_MS = 10000;

/**
 * A time as people of the page's language read it, in the city's zone.
 * @param {Date} when
 * @param {string | undefined} zone
 */
export function inWords(when, zone) {
  const language = document.documentElement.lang;
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", timeZone: zone }).format(when);
}

/**
 * Shows or hides the line that says how old this page is.
 * @param {?string | undefined} asOf
 */
export function sayAge(asOf) {
  const line = /** @type {HTMLElement} */ (document.getElementById("age"));
  const text = asOf ? (line.dataset.text ?? "").replace("{time}", inWords(new Date(asOf), line.dataset.zone)) : "";
  if (line.textContent !== text) line.textContent = text;
}

/**
 * Says whether the page may speak of now (`data-live`), or only of when it was last read (`data-kept`).
 * @param {boolean} now
 */
function live(now) {
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-live]"))) part.hidden = !now;
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-kept]"))) part.hidden = now;
}

/** Marks every warning on the page that no longer holds by this phone's clock. */
export function judge(now = Date.now()) {
  for (const article of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-chain]"))) {
    const chain = JSON.parse(article.dataset.chain ?? "[]");
    if (article.classList.contains("warning-over") || inForce(chain, now, { joined: true })) continue;
    article.classList.add("warning-lapsed-now");
    /** @type {HTMLElement} */ (article.querySelector(".warning-lapsed")).hidden = false;
    live(false);
  }
}

/**
 * The situation as `{answer, offline, asOf}`; `answer` is null when nothing at all could be had.
 * @param {boolean} joined
 * @returns {Promise<{ answer: ?ApiSituation, offline: boolean, asOf: ?string }>}
 */
export async function situation(joined) {
  try {
    const response = await fetch(`/api/v1/alerts${joined ? "?exercise=true" : ""}`, {
      cache: "no-cache",
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(WAIT_MS),
    });
    if (!response.ok) return { answer: null, offline: true, asOf: null };
    const offline = response.headers.get("Realis-Offline") === "1";
    return { answer: await response.json(), offline, asOf: response.headers.get("Realis-As-Of") };
  } catch {
    return { answer: null, offline: true, asOf: null };
  }
}

/** @param {HTMLElement} box */
async function replace(box) {
  const response = await fetch(location.href, { signal: AbortSignal.timeout(WAIT_MS) });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("situation");
  if (!fresh || fresh.dataset.version === box.dataset.version) return;
  box.replaceWith(document.adoptNode(fresh));
  const news = document.getElementById("news");
  if (news) news.textContent = news.dataset.text ?? "";
}

async function look() {
  const box = document.getElementById("situation");
  if (!box) return;
  const { answer, offline } = await situation(box.dataset.joined === "true");
  if (offline || !answer) {
    sayAge(box.dataset.asOf);
    live(false);
  } else {
    sayAge(null);
    live(true);
    if (String(answer.version) === box.dataset.version) box.dataset.asOf = new Date().toISOString();
    else await replace(box).catch(() => sayAge(box.dataset.asOf));
  }
  judge();
}

/** Looks now, then every half minute while the page is seen, and whenever something hints at news. */
export function start() {
  if (!document.getElementById("situation")) return;
  const again = () => {
    setTimeout(() => (document.hidden ? again() : look().finally(again)), EVERY_MS + Math.random() * SPREAD_MS);
  };
  look().finally(again);
  setInterval(() => judge(), JUDGE_MS);
  addEventListener("online", look);
  addEventListener("offline", look);
  document.addEventListener("visibilitychange", () => document.hidden || look());
  navigator.serviceWorker?.addEventListener("message", look);
}
