/**
 * The newest verified state this screen holds, in memory and in localStorage. What comes out of the storage is
 * verified again, as if it came from the network.
 */
import { readState } from "./frames.js";
import { sameSubject, supersedes } from "./order.js";

export class Held {
  /**
   * The pinned key; set once before anything is read.
   * @type {?PinnedKey}
   */
  key = null;
  #store;
  /** @type {?ScreenState} */
  #state = null;

  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.#store = store;
  }

  /** `{ kind, mark, faces, signed }` or null. */
  get state() {
    return this.#state;
  }

  get mark() {
    return this.#state?.mark ?? null;
  }

  /** Read back what was kept. Throws `Refused`, having forgotten it, if it was tampered with. */
  async restore() {
    const kept = this.#store.read("state");
    if (kept === null) return;
    try {
      const state = await this.#read(kept.frames);
      const current = kept.current ? await this.#read([kept.current]) : null;
      this.#state = state;
      if (current !== null) this.#confirm(current);
    } catch (refused) {
      this.#forget();
      throw refused;
    }
  }

  /**
   * Take signed frames in: "new" if something else is to be shown, "same" if only words around it changed, "current"
   * if what is held still holds, "" if they were older. Throws `Refused`.
   * @param {unknown} signed
   */
  async receive(signed) {
    const state = await this.#read(signed);
    return state.kind === "current" ? this.#confirm(state) : this.#take(state);
  }

  /**
   * The place this screen stands in. What was signed for another place is forgotten; true if it was.
   * @param {string} screen
   */
  belongTo(screen) {
    if (this.#store.read("screen") === screen) return false;
    this.#store.write("screen", screen);
    this.#forget();
    return true;
  }

  /** @param {unknown} signed */
  #read(signed) {
    return readState(signed, /** @type {PinnedKey} */ (this.key), this.#store.read("screen"));
  }

  #forget() {
    this.#store.remove("state");
    this.#state = null;
  }

  /** @param {ScreenState} state */
  #take(state) {
    const held = this.#state;
    if (!supersedes(state.mark, this.mark)) {
      console.warn("display: older state refused", state.mark.version, held?.mark.version);
      return "";
    }
    this.#state = state;
    this.#store.write("state", { frames: state.signed, current: null });
    return held !== null && held.kind === state.kind && sameSubject(state.mark, held.mark) ? "same" : "new";
  }

  /** @param {ScreenState} current */
  #confirm(current) {
    const held = this.#state;
    if (held === null || !sameSubject(current.mark, held.mark) || !supersedes(current.mark, held.mark)) return "";
    this.#state = { ...held, mark: current.mark };
    this.#store.write("state", { frames: held.signed, current: current.signed[0] });
    return "current";
  }
}
