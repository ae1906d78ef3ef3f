// Keeps the list of posts fresh: asks twice a second, changes the page only when something changed.
const list = /** @type {HTMLElement} */ (document.getElementById("posts"));
let tag = "";

function opened() {
  return new Set([...list.querySelectorAll("details[open]")].map((entry) => entry.id));
}

async function refresh() {
  const answer = await fetch("/posts", {
    headers: /** @type {Record<string, string>} */ (tag ? { "If-None-Match": tag } : {}),
    cache: "no-store",
    signal: AbortSignal.timeout(4000),
  });
  if (answer.status !== 200) return;
  const open = opened();
  const fragment = new DOMParser().parseFromString(await answer.text(), "text/html");
  list.replaceChildren(...fragment.body.childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  tag = answer.headers.get("ETag") ?? "";
}

async function watch() {
  try {
    await refresh();
    document.body.classList.remove("lost");
  } catch {
    document.body.classList.add("lost"); // the demo was stopped; the posts stay as they were
  }
  setTimeout(watch, 500);
}

watch();
