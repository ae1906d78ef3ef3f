// Seconds left, from what the server said and the time since then: the desk's own clock may be wrong.
const STEP_MS = 250;
const started = new WeakMap();

/** @param {HTMLElement} element */
function show(element) {
  const said = Number(element.dataset.countdown);
  let start = started.get(element);
  if (!start || start.said !== said) {
    start = { said, at: performance.now() };
    started.set(element, start);
  }
  const left = Math.max(0, Math.ceil(said - (performance.now() - start.at) / 1000));
  const text = String(left);
  if (element.textContent !== text) element.textContent = text;
}

export function startCountdowns() {
  setInterval(() => {
    const counters = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-countdown]"));
    counters.forEach(show);
  }, STEP_MS);
}
