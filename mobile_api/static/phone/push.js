/** Turns warnings on and off for this phone. Knows no form; what it learns it says as a state. */
import "./keep.js";

const BASE = "/api/v1/push";
const WAIT_MS = 15000;
const SENT = "realis.sent";

/** An error with the state a page shows for it. */
export class PushProblem extends Error {
  /**
   * @param {string} state
   * @param {string} [detail]
   */
  constructor(state, detail = "") {
    super(detail || state);
    this.state = state;
    this.detail = detail;
  }
}

function isApple() {
  const touchMac = navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1;
  return /iPhone|iPad|iPod/.test(navigator.userAgent) || touchMac;
}

/** What keeps this browser from being warned (insecure, install, unsupported, denied), or null. */
export function obstacle() {
  if (!window.isSecureContext) return "insecure";
  const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  const installed = navigator.standalone === true || matchMedia("(display-mode: standalone)").matches;
  if (!able) return isApple() && !installed ? "install" : "unsupported";
  return Notification.permission === "denied" ? "denied" : null;
}

/** What was chosen on this phone ({language, places, everywhere, joined}), or undefined when it is off. */
export function chosen() {
  return self.keep.get("settings", "wanted");
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{ body?: object, token?: string }} [what]
 */
async function ask(method, path, { body, token } = {}) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (body) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(BASE + path, {
    method,
    headers,
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(WAIT_MS),
  }).catch(() => {
    throw new PushProblem("failed");
  });
  // Gone already, or not ours to delete: the browser's own unsubscribing then ends it.
  if (answer.ok || (method === "DELETE" && [401, 404].includes(answer.status))) return answer;
  const problem = await answer.json().catch(() => ({}));
  const said = answer.status < 500 && problem.title;
  throw new PushProblem(said ? "refused" : "failed", said ? `${problem.title} ${problem.remedy ?? ""}` : "");
}

/** @param {string} base64url */
function bytes(base64url) {
  const base64 = base64url.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/**
 * @param {PushSubscription} subscription
 * @param {Uint8Array} key
 */
function sameKey(subscription, key) {
  const used = subscription.options.applicationServerKey;
  if (!used) return true;
  const mine = new Uint8Array(used);
  return mine.length === key.length && mine.every((byte, index) => byte === key[index]);
}

async function browserSubscription() {
  const registration = await navigator.serviceWorker.ready;
  const key = bytes((await (await ask("GET", "/key")).json()).public_key);
  const there = await registration.pushManager.getSubscription();
  if (there && sameKey(there, key)) return there;
  if (there) await there.unsubscribe();
  try {
    return await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  } catch (failure) {
    const error = /** @type {Error} */ (failure);
    throw new PushProblem(error.name === "NotAllowedError" ? "denied" : "push-failed", error.message);
  }
}

/** @param {Wanted} wanted */
async function send(wanted) {
  const { endpoint, keys } = (await browserSubscription()).toJSON();
  const answer = await ask("POST", "/subscriptions", { body: { endpoint, keys, ...wanted } });
  await self.keep.put("settings", "mine", await answer.json());
  await self.keep.put("settings", "wanted", wanted);
  sessionStorage.setItem(SENT, "1");
}

/**
 * Asks for permission and subscribes. Must be called from a click. Throws PushProblem.
 * @param {Wanted} wanted
 */
export async function turnOn(wanted) {
  const problem = obstacle();
  if (problem) throw new PushProblem(problem);
  if ((await Notification.requestPermission()) !== "granted") throw new PushProblem("denied");
  await send(wanted);
}

/** Deletes the subscription here and at the server. Throws PushProblem when the server could not be told. */
export async function turnOff() {
  const mine = await self.keep.get("settings", "mine");
  if (mine) await ask("DELETE", `/subscriptions/${mine.id}`, { token: mine.token });
  const registration = await navigator.serviceWorker?.getRegistration("/");
  await (await registration?.pushManager?.getSubscription())?.unsubscribe();
  await self.keep.remove("settings", "mine");
  await self.keep.remove("settings", "wanted");
  sessionStorage.removeItem(SENT);
}

/** At every start of the app: sends the subscription again, so that a lost or changed one comes back. */
export async function sendAgain() {
  if (sessionStorage.getItem(SENT) || obstacle() || Notification.permission !== "granted") return;
  const wanted = await chosen();
  if (wanted) await send(wanted);
}

/**
 * A notification made on this phone only, clearly a test.
 * @param {string} title
 * @param {string} body
 */
export async function tryOut(title, body) {
  const registration = await navigator.serviceWorker.ready;
  await registration.showNotification(title, { body, tag: "realis-test", lang: document.documentElement.lang });
}
