/**
 * How a browser becomes a screen: the key of access comes once in the address (#token=…), the city's public key is
 * pinned then. A new key in the address pairs anew and forgets what was held.
 */
const TOKEN = /^[\w.~-]{8,200}$/;

/**
 * Take a token out of the address bar, if there is one.
 * @param {import("./store.js").Store} store
 */
export function takeToken(store) {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash !== "") history.replaceState(null, "", location.pathname + location.search);
  if (token === null || !TOKEN.test(token)) return false;
  for (const name of ["key", "state", "screen"]) store.remove(name);
  store.write("token", token);
  return true;
}

/** Whether this browser may hold a key and check signatures at all (needs TLS, or localhost). */
export function capable() {
  return window.isSecureContext && Boolean(globalThis.crypto?.subtle);
}

/**
 * The pinned public key; the first one offered after pairing is pinned. `changed` if another is offered now.
 * @param {import("./store.js").Store} store
 * @param {?Jwk} offered
 * @returns {{ jwk: ?Jwk, changed: boolean }}
 */
export function pin(store, offered) {
  const pinned = store.read("key");
  if (pinned === null && offered) {
    store.write("key", offered);
    return { jwk: offered, changed: false };
  }
  const changed = pinned !== null && Boolean(offered) && (pinned.x !== offered?.x || pinned.y !== offered?.y);
  return { jwk: pinned, changed };
}
