/*
 * The service worker: shows pushes, and keeps pages readable without network. `self.REALIS` (addresses, words) and
 * keep.js stand in front of it. It decides nothing about warnings, except that an older message never replaces a
 * newer one, and that a warning whose time is over is not shown as if it held.
 */
const PAGES = `pages-${self.REALIS.version}`;
const LAST = "last";
const NETWORK_MS = 8000;
const SHOWN_MOST = 50;
const KEPT_MOST = 20;
const OFFLINE = "/offline";
const FALLBACK_TAG = "realis";

/* ------------------------------------------------------------ install */

self.addEventListener("install", (event) => {
  event.waitUntil(precache().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(dropOldCaches().then(() => self.clients.claim()));
});

async function precache() {
  const cache = await caches.open(PAGES);
  await cache.addAll([...self.REALIS.assets, OFFLINE, self.REALIS.icon, self.REALIS.badge]);
  // A course that fails to load must not keep the worker from warning.
  await Promise.allSettled(self.REALIS.kept.map((page) => cache.add(page)));
  await fetchLast("/api/v1/alerts").catch(() => undefined);
}

async function dropOldCaches() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== PAGES && name !== LAST).map((name) => caches.delete(name)));
}

/* ------------------------------------------------------------ pages without network */

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname === "/api/v1/alerts") event.respondWith(alerts(event.request));
  else if (event.request.mode === "navigate" && ours(url.pathname)) event.respondWith(page(event.request, url));
  else if (url.pathname.startsWith("/assets/")) event.respondWith(asset(event.request));
});

/** @param {string} path */
function ours(path) {
  return self.REALIS.pages.includes(path) || path.startsWith("/alerts/") || path.startsWith("/courses/");
}

/** @param {RequestInfo} request */
function fromNetwork(request) {
  return fetch(request, { signal: AbortSignal.timeout(NETWORK_MS) });
}

/**
 * @param {Request} request
 * @param {URL} url
 */
async function page(request, url) {
  const cache = await caches.open(PAGES);
  try {
    const answer = await fromNetwork(request);
    if (answer.status >= 500) throw new Error(`the server answered ${answer.status}`);
    if (answer.ok && !answer.redirected) await keepIn(cache, url.pathname, answer.clone());
    return answer;
  } catch {
    return (await cache.match(url.pathname)) ?? (await cache.match(OFFLINE)) ?? Response.error();
  }
}

/**
 * Pages of warnings come and go; only the newest few are kept.
 * @param {Cache} cache
 * @param {string} path
 * @param {Response} answer
 */
async function keepIn(cache, path, answer) {
  await cache.delete(path);
  await cache.put(path, answer);
  const kept = (await cache.keys()).filter((request) => new URL(request.url).pathname.startsWith("/alerts/"));
  await Promise.all(kept.slice(0, -KEPT_MOST).map((request) => cache.delete(request)));
}

/** @param {Request} request */
async function alerts(request) {
  const path = new URL(request.url);
  try {
    return await fetchLast(path.pathname + path.search, request);
  } catch {
    const last = await caches.open(LAST);
    const kept = (await last.match(path.pathname + path.search)) ?? (await last.match(path.pathname));
    if (!kept) return Response.error();
    const headers = new Headers(kept.headers);
    headers.set("Realis-Offline", "1");
    return new Response(kept.body, { status: 200, headers });
  }
}

/**
 * @param {string} path
 * @param {RequestInfo} [request]
 */
async function fetchLast(path, request = path) {
  const answer = await fromNetwork(request);
  if (answer.ok) await (await caches.open(LAST)).put(path, answer.clone());
  if (answer.status >= 500) throw new Error(`the server answered ${answer.status}`);
  return answer;
}

/** @param {Request} request */
async function asset(request) {
  const cache = await caches.open(PAGES);
  const kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok && request.url.includes("/vendor/fonts/")) await cache.put(request, answer.clone());
  return answer;
}

/* ------------------------------------------------------------ pushes */

/** @type {Promise<string | void>} */
let queue = Promise.resolve();

self.addEventListener("push", (event) => {
  // One after the other: two pushes at once must not both find the older state.
  queue = queue.then(() => received(event.data)).catch((error) => fallback(error));
  event.waitUntil(queue.then((incident) => afterwards(incident)));
});

function words() {
  const wanted = (self.navigator.language ?? "de").split("-")[0];
  return self.REALIS.words[wanted] ?? self.REALIS.words.en ?? self.REALIS.words.de;
}

/**
 * Something is always shown: a browser that sees three silent pushes ends the subscription.
 * @param {unknown} error
 */
async function fallback(error) {
  console.warn("push could not be read", error);
  const { title, body } = words();
  await self.registration.showNotification(title, options({ body, silent: false }, FALLBACK_TAG, "/"));
}

/** @param {PushMessageData | null} data */
async function received(data) {
  if (data === null) throw new TypeError("an empty push");
  /** @type {PushPayload} */
  const { notification, realis } = data.json();
  const mine = { ...rank(realis), title: notification.title, ...settings(notification, realis) };
  const shown = await self.keep.get("shown", realis.incident).catch(() => undefined);
  if (shown && older(mine, shown)) {
    await show(shown, { again: true });
  } else {
    await show(mine, { again: shown !== undefined && !older(shown, mine) });
    await remember(realis.incident, mine).catch((error) => console.warn("not remembered", error));
  }
  return realis.incident;
}

/**
 * An expiry carries the revision that ran out, so it comes after it.
 * @param {PushPayload["realis"]} realis
 * @returns {Rank}
 */
function rank(realis) {
  if (typeof realis.incident !== "string" || !Number.isInteger(realis.revision)) throw new TypeError("no revision");
  return { incident: realis.incident, revision: realis.revision, step: realis.kind === "expiry" ? 1 : 0 };
}

/**
 * @param {Rank} one
 * @param {Rank} other
 */
function older(one, other) {
  return one.revision < other.revision || (one.revision === other.revision && one.step < other.step);
}

/**
 * @param {PushPayload["notification"]} notification
 * @param {PushPayload["realis"]} realis
 */
function settings(notification, realis) {
  return {
    body: notification.body,
    lang: notification.lang,
    dir: notification.dir,
    silent: Boolean(notification.silent),
    url: realis.url ?? notification.navigate ?? "/",
    expires: realis.ending ? null : (realis.expires ?? null),
    sent: realis.sent ?? null,
    stays: !realis.ending && realis.level === 1,
  };
}

/**
 * `again`: this or something newer is shown already, so replace it without a sound.
 * @param {Shown} mine
 * @param {{ again: boolean }} how
 */
function show(mine, { again }) {
  const over = mine.expires !== null && Date.parse(mine.expires) <= Date.now();
  const title = over ? `${words().lapsed}: ${mine.title}` : mine.title;
  const quiet = again || over || mine.silent;
  return self.registration.showNotification(title, options({ ...mine, silent: quiet }, mine.incident, mine.url));
}

/**
 * @param {Pick<Shown, "body" | "silent"> & Partial<Shown>} notification
 * @param {string} tag
 * @param {string} url
 */
function options({ body, lang, dir, silent, sent, stays }, tag, url) {
  return {
    body,
    tag,
    silent,
    renotify: !silent,
    lang: lang ?? "",
    dir: dir ?? "auto",
    icon: self.REALIS.icon,
    badge: self.REALIS.badge,
    requireInteraction: Boolean(stays),
    timestamp: sent ? Date.parse(sent) : undefined,
    data: { url },
  };
}

/**
 * @param {string} incident
 * @param {Shown} mine
 */
async function remember(incident, mine) {
  await self.keep.put("shown", incident, { ...mine, at: Date.now() });
  const kept = await self.keep.entries("shown");
  const old = kept.sort(([, one], [, other]) => other.at - one.at).slice(SHOWN_MOST);
  for (const [key] of old) await self.keep.remove("shown", key);
}

/**
 * Open pages look again, and what the notification leads to is kept for when the network fails.
 * @param {string | void} incident
 */
async function afterwards(incident) {
  const pages = await self.clients.matchAll({ type: "window" });
  pages.forEach((client) => client.postMessage({ type: "situation" }));
  const kept = incident ? ["/", `/alerts/${incident}`] : ["/"];
  await Promise.allSettled([fetchLast("/api/v1/alerts"), ...kept.map(keepPage)]);
}

/** @param {string} path */
async function keepPage(path) {
  const answer = await fromNetwork(path);
  if (answer.ok) await keepIn(await caches.open(PAGES), path, answer);
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openPage(event.notification.data?.url ?? "/"));
});

/** @param {string} address */
async function openPage(address) {
  const url = new URL(address, self.location.origin);
  const target = url.origin === self.location.origin ? url.href : self.location.origin + url.pathname;
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = pages.find((client) => client.url === target);
  return there ? there.focus() : self.clients.openWindow(target);
}

/* ------------------------------------------------------------ a new address from the browser */

self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(renew(event));
});

/** @param {SubscriptionChangeEvent} event */
async function renew(event) {
  const wanted = await self.keep.get("settings", "wanted");
  const options = event.oldSubscription?.options;
  // Without either the app subscribes anew at its next start.
  if (!wanted || !(event.newSubscription || options)) return;
  const subscription = event.newSubscription ?? (await self.registration.pushManager.subscribe(options));
  const { endpoint, keys } = subscription.toJSON();
  const answer = await fetch("/api/v1/push/subscriptions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ endpoint, keys, ...wanted }),
    signal: AbortSignal.timeout(NETWORK_MS),
  });
  if (answer.ok) await self.keep.put("settings", "mine", await answer.json());
}
