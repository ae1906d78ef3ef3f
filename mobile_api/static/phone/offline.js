/** The page for no connection: what was last known, how old it is, and what of it has run out since. */
import { endingBanner, levelBadge, occasionRibbon } from "../js/marks.js";
import { judge, sayAge, situation } from "./fresh.js";

const box = document.getElementById("last-known");

function words(texts) {
  const language = document.documentElement.lang;
  return texts[language] ?? texts.en ?? texts.de ?? Object.values(texts)[0];
}

function level(warning, text) {
  const line = document.createElement("p");
  line.className = "warning-level";
  line.append(levelBadge(warning.level, text.kind));
  return line;
}

function ending(warning, text) {
  return endingBanner(warning.ending, text.kind, warning.ending === "expired" ? text.instruction : text.description);
}

function card(warning) {
  const text = words(warning.texts);
  const article = document.getElementById("last-item").content.cloneNode(true).firstElementChild;
  article.dataset.chain = JSON.stringify(warning.chain);
  article.dataset.incident = warning.incident;
  article.classList.add(warning.ending ? "warning-over" : `card--level-${warning.level}`);
  if (text.notice) article.prepend(occasionRibbon(warning.occasion, text.notice));
  article.querySelector("[data-slot=head]").append(warning.ending ? ending(warning, text) : level(warning, text));
  const link = article.querySelector(".warning-headline a");
  link.textContent = text.headline;
  link.href = warning.links.page;
  for (const part of article.querySelectorAll(".warning-headline, .warning-do")) {
    part.lang = text.written_in;
    part.dir = "auto";
  }
  const first = text.instruction.split("\n")[0];
  article.querySelector(".warning-do").textContent = warning.ending === "expired" ? "" : first;
  article.querySelector(".warning-until").textContent = text.until;
  return article;
}

function when(state) {
  for (const part of box.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== state;
}

async function begin() {
  const { answer, asOf } = await situation(box.dataset.joined === "true");
  if (!answer) return;
  sayAge(asOf);
  const listed = [...answer.alerts, ...answer.ended];
  document.getElementById("last-list").replaceChildren(...listed.map(card));
  when(answer.alerts.length === 0 ? "nothing" : "list");
  judge();
}

begin().catch((error) => console.warn("nothing kept", error));
