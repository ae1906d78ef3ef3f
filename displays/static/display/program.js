/** The page's settings and its own files, for times with and without network. */
const PATIENCE_MS = 10_000;

/**
 * The settings as the server has them now, or null.
 * @returns {Promise<?ScreenConfiguration>}
 */
export async function freshConfiguration() {
  try {
    const answer = await fetch("/display/config.json", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    return answer.ok ? await answer.json() : null;
  } catch (failure) {
    console.warn("display: no configuration", /** @type {Error} */ (failure).name);
    return null;
  }
}

/**
 * The settings: fresh, else as kept last time; waits until there are any.
 * @param {import("./store.js").Store} store
 * @returns {Promise<ScreenConfiguration>}
 */
export async function configuration(store) {
  for (;;) {
    const fresh = await freshConfiguration();
    if (fresh !== null) store.write("config", fresh);
    const config = fresh ?? store.read("config");
    if (config !== null) return config;
    await new Promise((resolve) => setTimeout(resolve, 2000 + Math.random() * 8000));
  }
}

/** Hand the parts of this page to the worker, which was not there yet when they were first loaded. */
export async function keepProgram() {
  await navigator.serviceWorker.register("/display/sw.js", { scope: "/display/" });
  const { active } = await navigator.serviceWorker.ready;
  const parts = performance.getEntriesByType("resource").map((entry) => entry.name);
  active?.postMessage({ keep: [location.origin + location.pathname, ...new Set(parts)] });
}
