/** The page for no connection: what was last known, how old it is, and what of it has run out since. */
import { endingBanner, levelBadge, occasionRibbon } from "../js/marks.js";
import { judge, sayAge, situation } from "./fresh.js";

const box = /** @type {HTMLElement} */ (document.getElementById("last-known"));

/**
 * @param {Record<string, ApiText>} texts
 * @returns {ApiText}
 */
function words(texts) {
  const language = document.documentElement.lang;
  return texts[language] ?? texts.en ?? texts.de ?? Object.values(texts)[0];
}

/**
 * @param {ApiAlert} warning
 * @param {ApiText} text
 */
function level(warning, text) {
  const line = document.createElement("p");
  line.className = "warning-level";
  line.append(levelBadge(warning.level, text.kind));
  return line;
}

/**
 * @param {string} end
 * @param {ApiText} text
 */
function ending(end, text) {
  return endingBanner(end, text.kind, end === "expired" ? text.instruction : text.description);
}

/** @param {ApiAlert} warning */
function card(warning) {
  const text = words(warning.texts);
  const item = /** @type {HTMLTemplateElement} */ (document.getElementById("last-item"));
  const article = /** @type {HTMLElement} */ (/** @type {DocumentFragment} */ (item.content.cloneNode(true)).firstElementChild);
  article.dataset.chain = JSON.stringify(warning.chain);
  article.dataset.incident = warning.incident;
  article.classList.add(warning.ending ? "warning-over" : `card--level-${warning.level}`);
  if (text.notice) article.prepend(occasionRibbon(warning.occasion, text.notice));
  article.querySelector("[data-slot=head]")?.append(warning.ending ? ending(warning.ending, text) : level(warning, text));
  const link = /** @type {HTMLAnchorElement} */ (article.querySelector(".warning-headline a"));
  link.textContent = text.headline;
  link.href = warning.links.page;
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (article.querySelectorAll(".warning-headline, .warning-do"))) {
    part.lang = text.written_in;
    part.dir = "auto";
  }
  const first = text.instruction.split("\n")[0];
  /** @type {Element} */ (article.querySelector(".warning-do")).textContent = warning.ending === "expired" ? "" : first;
  /** @type {Element} */ (article.querySelector(".warning-until")).textContent = text.until;
  return article;
}

/** @param {string} state */
function when(state) {
  const parts = /** @type {NodeListOf<HTMLElement>} */ (box.querySelectorAll("[data-when]"));
  for (const part of parts) part.hidden = part.dataset.when !== state;
}

async function begin() {
  const { answer, asOf } = await situation(box.dataset.joined === "true");
  if (!answer) return;
  sayAge(asOf);
  const listed = [...answer.alerts, ...answer.ended];
  document.getElementById("last-list")?.replaceChildren(...listed.map(card));
  when(answer.alerts.length === 0 ? "nothing" : "list");
  judge();
}

begin().catch((error) => console.warn("nothing kept", error));
