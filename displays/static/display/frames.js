/**
 * Reading what the gateway signed: a JWS (RFC 7515, ES256) becomes a checked frame, or an error says why not.
 * Nothing that did not pass here is ever painted.
 */
import { sameSubject } from "./order.js";

const MAX_JWS_CHARS = 8192;
const MAX_FRAMES = 12;
const TEXTS = [
  "lang", "written_in", "notice", "kind_word", "headline", "instruction", "description", "to_do", "until", "issued",
  "source", "link",
];
const OCCASIONS = ["ernstfall", "probewarnung", "uebung"];
const ENDINGS = [null, "all_clear", "retracted", "expired", "ended"];

/** A frame or message that must not be shown; the message is for the technician. */
export class Refused extends Error {}

/**
 * @param {unknown} condition
 * @param {string} reason
 * @returns {asserts condition}
 */
function demand(condition, reason) {
  if (!condition) throw new Refused(reason);
}

/** @param {string} base64url */
function bytes(base64url) {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (sign) => sign.charCodeAt(0));
}

/** @param {string} part */
function json(part) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes(part)));
  } catch {
    throw new Refused("unlesbar");
  }
}

/**
 * The pinned public key, ready to verify with.
 * @param {Jwk} jwk
 * @returns {Promise<PinnedKey>}
 */
export async function importKey(jwk) {
  const { kty, crv, x, y } = jwk;
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  return { kid: jwk.kid ?? "", key: await crypto.subtle.importKey("jwk", { kty, crv, x, y }, algorithm, false, ["verify"]) };
}

/**
 * @param {unknown} jws
 * @param {PinnedKey} pinned
 */
async function payload(jws, pinned) {
  demand(typeof jws === "string" && jws.length <= MAX_JWS_CHARS, "zu lang");
  const parts = jws.split(".");
  demand(parts.length === 3 && parts.every((part) => /^[\w-]+$/.test(part)), "nicht signiert");
  const head = json(parts[0]);
  demand(head.alg === "ES256" && !("crit" in head), "falsches Signaturverfahren");
  demand((head.kid ?? "") === pinned.kid, "fremder Schlüssel");
  const signed = new TextEncoder().encode(`${parts[0]}.${parts[1]}`);
  const good = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, pinned.key, bytes(parts[2]), signed);
  demand(good, "Signatur ungültig");
  return json(parts[1]);
}

/**
 * @param {unknown} value
 * @param {string} reason
 * @returns {number}
 */
function time(value, reason) {
  const ms = typeof value === "string" && /(Z|[+-]\d\d:\d\d)$/.test(value) ? Date.parse(value) : NaN;
  demand(!Number.isNaN(ms), reason);
  return ms;
}

/**
 * @param {any} frame
 * @param {?string} screen
 */
function checkHead(frame, screen) {
  demand(frame !== null && typeof frame === "object", "kein Objekt");
  demand(Number.isSafeInteger(frame.v) && frame.v >= 0, "v fehlt");
  demand(typeof frame.screen === "string" && (screen === null || frame.screen === screen), "für einen anderen Ort");
  demand(["alert", "clear", "current"].includes(frame.kind), "unbekannte Art");
  if (frame.kind === "clear") return;
  demand(frame.incident === null ? frame.kind === "current" : typeof frame.incident === "string", "incident fehlt");
  demand(Number.isSafeInteger(frame.revision) && frame.revision >= 0, "revision fehlt");
  demand(ENDINGS.includes(frame.ending), "unbekanntes Ende");
}

/** @param {any} frame */
function checkAlert(frame) {
  demand(TEXTS.every((name) => typeof frame[name] === "string"), "ein Text fehlt");
  demand([1, 2, 3].includes(frame.level) && OCCASIONS.includes(frame.occasion), "unbekannte Stufe oder Anlass");
  demand(frame.occasion === "ernstfall" || frame.notice !== "", "Übung ohne Hinweis");
  /** @type {unknown} */
  const labels = frame.labels;
  demand(Array.isArray(labels) && labels.every((label) => typeof label === "string"), "labels fehlt");
  demand(Number.isSafeInteger(frame.others) && Number.isSafeInteger(frame.linger_s), "Zahl fehlt");
  demand(typeof frame.expiry?.kind_word === "string" && typeof frame.expiry?.text === "string", "expiry fehlt");
  time(frame.sent, "sent fehlt");
  time(frame.expires, "expires fehlt");
  if (frame.ending !== null) time(frame.hide_at, "hide_at fehlt");
}

/**
 * One verified and checked frame. Throws `Refused`.
 * @param {unknown} jws
 * @param {PinnedKey} pinned
 * @param {?string} screen
 * @returns {Promise<Frame>}
 */
async function read(jws, pinned, screen) {
  const frame = await payload(jws, pinned);
  checkHead(frame, screen);
  if (frame.kind === "alert") checkAlert(frame);
  return frame;
}

/**
 * @param {Frame} frame
 * @returns {StateMark}
 */
function markOf(frame) {
  const { v: version, incident = null, revision = 0, ending = null } = frame;
  return { version, asOf: time(frame.as_of, "as_of fehlt"), incident, revision, ending };
}

/**
 * A state from its signed frames: `{ kind, mark, faces, signed }`, faces one per language. Throws `Refused` if a
 * single frame is wrong or they do not belong together; half a state is never shown.
 * @param {unknown} signed
 * @param {PinnedKey} pinned
 * @param {?string} screen
 * @returns {Promise<ScreenState>}
 */
export async function readState(signed, pinned, screen) {
  demand(Array.isArray(signed) && signed.length > 0 && signed.length <= MAX_FRAMES, "keine Rahmen");
  const frames = await Promise.all(signed.map((jws) => read(jws, pinned, screen)));
  const [first] = frames;
  const mark = markOf(first);
  const together = frames.every((frame) => {
    const other = markOf(frame);
    return frame.kind === first.kind && sameSubject(other, mark) && other.version === mark.version && other.asOf === mark.asOf;
  });
  demand(together && (frames.length === 1 || first.kind === "alert"), "Rahmen passen nicht zusammen");
  return { kind: first.kind, mark, faces: first.kind === "alert" ? frames : [], signed };
}
