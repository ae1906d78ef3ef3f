/**
 * The few things a screen remembers, in localStorage. A full or barred storage costs memory, never the display.
 * Several screens in one browser (/display/?screen=name) each have their own.
 */
const NAME = /^[\w-]{1,40}$/;
const name = new URLSearchParams(location.search).get("screen") ?? "";
const PREFIX = NAME.test(name) ? `realis.display.${name}.` : "realis.display.";

export class Store {
  #fallback = new Map();

  read(name) {
    try {
      return JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
    } catch {
      return this.#fallback.get(name) ?? null;
    }
  }

  write(name, value) {
    this.#fallback.set(name, value);
    try {
      localStorage.setItem(PREFIX + name, JSON.stringify(value));
    } catch (failure) {
      console.warn("display: not stored", name, failure.name);
    }
  }

  remove(name) {
    this.#fallback.delete(name);
    try {
      localStorage.removeItem(PREFIX + name);
    } catch (failure) {
      console.warn("display: not removed", name, failure.name);
    }
  }
}
