/** What every page starts: the service worker, the subscription sent again, the look for news. */
import { start } from "./fresh.js";
import { sendAgain } from "./push.js";

async function startWorker() {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register("/sw.js", { scope: "/" });
  await sendAgain();
}

startWorker().catch((error) => console.warn("no service worker", error));
start();
