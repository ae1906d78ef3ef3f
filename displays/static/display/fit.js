/**
 * Makes the words of a warning as large as they fit: a headline never gets below the least size of the visual
 * language, the text below it gives way first. Knows no warning, only sizes.
 */
const STEPS = [1.15, 1, 0.92, 0.85, 0.78, 0.72, 0.66, 0.6, 0.55, 0.5];
const SMALLER = [0.7, 0.6, 0.5, 0.42, 0.36];
const SCROLLS = "(max-width: 37.5rem)";

/** @param {HTMLElement} section */
function fits(section) {
  const body = /** @type {Element} */ (section.querySelector(".warning__body"));
  return body.scrollHeight <= body.clientHeight + 1 && body.scrollWidth <= body.clientWidth + 1;
}

/**
 * Choose sizes. What gives way, in turn: size, then the description, then the least sizes. On a phone the page scrolls.
 * @param {HTMLElement} section
 */
export function fit(section) {
  if (matchMedia(SCROLLS).matches) {
    section.classList.remove("warning--tight", "warning--dense");
    section.style.setProperty("--scale", "0.5");
    return;
  }
  for (const [tight, dense] of [[false, false], [true, false], [true, true]]) {
    section.classList.toggle("warning--tight", tight);
    section.classList.toggle("warning--dense", dense);
    for (const step of dense ? SMALLER : STEPS) {
      section.style.setProperty("--scale", String(step));
      if (fits(section)) return;
    }
  }
}
