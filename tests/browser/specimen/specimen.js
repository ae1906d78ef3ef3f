import { endingBanner, endingMark, levelBadge, occasionRibbon } from "./js/marks.js";

const words = (selector) => [...document.querySelectorAll(selector)].map((e) => e.textContent);
const levels = words("#levels .cluster .level__word");
const endings = words("#levels .cluster .ending__word");
const occasions = words("#levels .occasion__word");
const line = document.createElement("p");
line.className = "cluster";
line.append(...levels.map((word, i) => levelBadge(i + 1, word)));
line.append(...["all_clear", "retracted", "expired", "ended"].map((ending, i) => endingMark(ending, endings[i])));
const built = document.getElementById("built");
built.append(line, endingBanner("expired", endings[2], "…"));
built.append(...["ernstfall", "probewarnung", "uebung"].map((occasion, i) => occasionRibbon(occasion, occasions[i])));
document.documentElement.dataset.ready = "yes";
