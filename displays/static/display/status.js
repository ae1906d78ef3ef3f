/** The line at the foot of the screen: how old the state is, whether the time is known, what a technician must do. */
import { element, filled } from "./dom.js";

const STALE_MS = 20_000;

/**
 * The words about the state's age, or "" while it is fresh.
 * @param {{ asOf: ?number, now: number, timeKnown: boolean, connected: boolean }} facts
 * @param {Words} words
 * @param {string} language
 */
export function ageWords({ asOf, now, timeKnown, connected }, words, language) {
  if (asOf === null) return connected ? "" : words.never;
  const age = now - asOf;
  if (timeKnown && age < STALE_MS) return "";
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "always", style: "long" });
  const minutes = Math.floor(age / 60_000);
  const when = timeKnown ? spanWords(relative, minutes) : words.unknown_age;
  return filled(connected ? words.stale : words.offline, { age: when });
}

/**
 * @param {Intl.RelativeTimeFormat} relative
 * @param {number} minutes
 */
function spanWords(relative, minutes) {
  if (minutes < 120) return relative.format(-minutes, "minute");
  if (minutes < 48 * 60) return relative.format(-Math.floor(minutes / 60), "hour");
  return relative.format(-Math.floor(minutes / 1440), "day");
}

export class Status {
  #root;
  #age = element("p", "status__age");
  #clock = element("p", "status__clock");
  #note = element("p", "status__note");

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    root.append(this.#age, this.#clock, this.#note);
  }

  /**
   * Paint the line; empty parts take no room.
   * @param {{ age: string, clock: string, note: string, language: string, direction: string }} line
   */
  paint({ age, clock, note, language, direction }) {
    /** @type {[HTMLElement, string][]} */
    const parts = [[this.#age, age], [this.#clock, clock], [this.#note, note]];
    for (const [part, text] of parts) {
      if (part.textContent !== text) part.textContent = text;
      part.hidden = text === "";
    }
    this.#age.lang = this.#clock.lang = language;
    this.#root.dir = direction;
    this.#root.hidden = !age && !clock && !note;
  }
}
