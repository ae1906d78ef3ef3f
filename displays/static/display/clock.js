/**
 * The screen's corrected clock. It never trusts a time below its stored floor, and never jumps while it runs.
 *
 * While the page lives, time runs on the monotonic clock from the gateway's time: a system clock that is set
 * meanwhile changes nothing. After a reload without network it falls back on the system clock, with the offset
 * measured before: of both readings that are possible at all, the earlier counts, because a warning should rather
 * stay too long than go too soon.
 */
const FLOOR_TOLERANCE_MS = 2000;
const KEPT_SAMPLES = 8;

export class Clock {
  #store;
  /** @type {{ trip: number, ms: number, at: number }[]} */
  #samples = [];
  /** @type {?{ ms: number, at: number }} */
  #anchor = null;
  #floor;

  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.#store = store;
    const kept = store.read("clock");
    this.#floor = Number.isFinite(kept?.floor) ? kept.floor : 0;
    const offset = Number.isFinite(kept?.offset) ? kept.offset : 0;
    const possible = [Date.now(), Date.now() + offset].filter((ms) => ms >= this.#floor - FLOOR_TOLERANCE_MS);
    if (possible.length > 0) this.#anchor = { ms: Math.min(...possible), at: performance.now() };
  }

  /** False while nothing believable is known about the time. */
  get known() {
    return this.#anchor !== null;
  }

  /** Now in ms since 1970; where the time is unknown, the last instant known to be over. */
  now() {
    if (this.#anchor === null) return this.#floor;
    return Math.max(this.#floor, this.#anchor.ms + (performance.now() - this.#anchor.at));
  }

  /**
   * Learn from a ping: the server's time lies between sending (`sentAt`) and now, both of `performance.now()`.
   * @param {number} serverMs
   * @param {number} sentAt
   */
  learn(serverMs, sentAt) {
    const received = performance.now();
    this.#samples.push({ trip: received - sentAt, ms: serverMs + (received - sentAt) / 2, at: received });
    if (this.#samples.length > KEPT_SAMPLES) this.#samples.shift();
    const best = this.#samples.reduce((one, other) => (other.trip < one.trip ? other : one));
    this.#anchor = { ms: best.ms, at: best.at };
    // The gateway is the authority: a floor from a time when it was wrong itself does not bind it.
    this.#floor = Math.min(this.#floor, best.ms + (received - best.at));
    this.save();
  }

  /** Start measuring anew, for a new connection. */
  forget() {
    this.#samples = [];
  }

  /**
   * Something signed was read at this instant: no believable clock is below it.
   * @param {number} ms
   */
  raise(ms) {
    if (this.#anchor !== null && ms > this.now() + FLOOR_TOLERANCE_MS) this.#anchor = null;
    this.#floor = Math.max(this.#floor, ms);
  }

  /** Keep floor and offset for the next load. */
  save() {
    if (this.#anchor === null) return;
    this.#floor = Math.max(this.#floor, this.#anchor.ms + (performance.now() - this.#anchor.at));
    this.#store.write("clock", { floor: this.#floor, offset: this.now() - Date.now() });
  }
}
