/**
 * Lets the screen's page start without network: the page and its parts come from the network, else from the copy
 * kept last time. It keeps no warnings; those are signed and lie in localStorage.
 */
const CACHE = "realis-display";
const PATIENCE_MS = 4000;
const MOST_ENTRIES = 80;
const LOOSELY = { ignoreVary: true, ignoreSearch: true };

/** @param {Request} request */
function ours(request) {
  const { origin, pathname } = new URL(request.url);
  return request.method === "GET" && origin === self.location.origin && (pathname.startsWith("/display/") || pathname.startsWith("/assets/"));
}

/**
 * @param {Request} request
 * @param {Response} answer
 */
async function keep(request, answer) {
  const cache = await caches.open(CACHE);
  await cache.put(request, answer);
  const entries = await cache.keys();
  await Promise.all(entries.slice(0, Math.max(0, entries.length - MOST_ENTRIES)).map((old) => cache.delete(old)));
}

/** @param {FetchEvent} event */
async function answer(event) {
  try {
    const fresh = await fetch(event.request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (fresh.ok) event.waitUntil(keep(event.request, fresh.clone()));
    return fresh.ok || fresh.status < 500 ? fresh : ((await caches.match(event.request, LOOSELY)) ?? fresh);
  } catch (failure) {
    const kept = await caches.match(event.request, LOOSELY);
    if (kept) return kept;
    throw failure;
  }
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", (event) => {
  const named = /** @type {string[]} */ (event.data.keep ?? []);
  const requests = named.slice(0, MOST_ENTRIES).map((url) => new Request(url)).filter(ours);
  event.waitUntil(Promise.allSettled(requests.map(async (request) => keep(request, await fetch(request)))));
});
self.addEventListener("fetch", (event) => ours(event.request) && event.respondWith(answer(event)));
