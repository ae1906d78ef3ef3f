/**
 * The few things a screen remembers, in localStorage. A full or barred storage costs memory, never the display.
 * Several screens in one browser (/display/?screen=name) each have their own.
 */
const NAME = /^[\w-]{1,40}$/;
const name = new URLSearchParams(location.search).get("screen") ?? "";
const PREFIX = NAME.test(name) ? `realis.display.${name}.` : "realis.display.";

export class Store {
  /** @type {Map<string, any>} */
  #fallback = new Map();

  /**
   * @param {string} name
   * @returns {any}
   */
  read(name) {
    try {
      return JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
    } catch {
      return this.#fallback.get(name) ?? null;
    }
  }

  /**
   * @param {string} name
   * @param {unknown} value
   */
  write(name, value) {
    this.#fallback.set(name, value);
    try {
      localStorage.setItem(PREFIX + name, JSON.stringify(value));
    } catch (failure) {
      console.warn("display: not stored", name, /** @type {Error} */ (failure).name);
    }
  }

  /** @param {string} name */
  remove(name) {
    this.#fallback.delete(name);
    try {
      localStorage.removeItem(PREFIX + name);
    } catch (failure) {
      console.warn("display: not removed", name, /** @type {Error} */ (failure).name);
    }
  }
}
