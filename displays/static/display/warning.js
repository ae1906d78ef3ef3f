/**
 * Paints a warning or its ending over the whole screen, in one language at a time. It decides nothing: what and when
 * comes from scene.js, every word from the signed frame.
 */
import { mark, occasionRibbon } from "../js/marks.js";
import { element, filled, spoken } from "./dom.js";
import { fit } from "./fit.js";

/**
 * The section for one face (a frame of one language). `scene` is "alert", "ending" or "expired".
 * @param {Frame} face
 * @param {Scene} scene
 * @param {{ languages: string[], names: Words, words: Words }} around
 */
export function warningSection(face, scene, { languages, names, words }) {
  const ending = scene === "expired" ? "expired" : face.ending;
  const look = ending === null ? `warning--level-${face.level}` : `warning--${ending}`;
  const section = spoken("section", `warning ${look} warning--${face.occasion}`, face.lang);
  section.append(
    ...(face.notice ? [occasionRibbon(face.occasion, face.notice)] : []),
    band(face, ending, scene, languages, names),
    body(face, scene),
    foot(face, scene, words),
    ...(face.notice ? [closingRibbon(face)] : []),
  );
  return section;
}

/** @param {Frame} face */
function closingRibbon(face) {
  const ribbon = occasionRibbon(face.occasion, face.notice);
  ribbon.classList.add("warning__closing");
  ribbon.setAttribute("aria-hidden", "true");
  return ribbon;
}

/**
 * @param {Frame} face
 * @param {?string} ending
 * @param {Scene} scene
 * @param {string[]} languages
 * @param {Words} names
 */
function band(face, ending, scene, languages, names) {
  const surface = ending === null ? `level-surface--${face.level}` : `ending-surface--${ending}`;
  const word = scene === "expired" ? face.expiry.kind_word : face.kind_word;
  const shape = mark(ending === null ? `level-${face.level}` : `ending-${ending}`);
  return element("header", `warning__band ${surface}`, shape, element("p", "warning__kind", word), chips(face, languages, names));
}

/**
 * Which languages take turns, the present one marked by a frame and not by colour alone.
 * @param {Frame} face
 * @param {string[]} languages
 * @param {Words} names
 */
function chips(face, languages, names) {
  if (languages.length < 2) return null;
  const list = element("ul", "warning__languages");
  for (const language of languages) {
    const chip = spoken("li", "warning__language", language, names[language] ?? language);
    if (language === face.lang) chip.classList.add("warning__language--now");
    list.append(chip);
  }
  return list;
}

/**
 * @param {Frame} face
 * @param {Scene} scene
 */
function body(face, scene) {
  /**
   * @param {"p" | "h1"} tag
   * @param {string} className
   * @param {string} text
   */
  const written = (tag, className, text) => (text ? spoken(tag, className, face.written_in || face.lang, text) : null);
  const ended = scene === "expired" ? element("p", "warning__what warning__what--first", face.expiry.text) : null;
  const todo = scene === "alert" && face.instruction
    ? element("div", "warning__do", element("h2", "warning__ask", face.to_do), written("p", "", face.instruction))
    : scene === "ending" ? written("p", "warning__what", face.instruction) : null;
  const what = scene === "expired" ? null : written("p", scene === "alert" ? "warning__what" : "warning__what warning__what--first", face.description);
  return element(
    "div", "warning__body",
    written("h1", "warning__headline", face.headline),
    element("div", "warning__texts", ...(scene === "alert" ? [todo, what] : [ended, what, todo])),
  );
}

/**
 * @param {Frame} face
 * @param {Scene} scene
 * @param {Words} words
 */
function foot(face, scene, words) {
  const facts = element("div", "warning__facts");
  if (scene === "alert") facts.append(element("p", "warning__until", face.until));
  const small = [face.issued, face.source].filter(Boolean).map((text) => element("span", "", text));
  facts.append(element("p", "warning__small", ...small));
  const remarks = face.labels.map((label) => element("span", "uncertain", label));
  if (face.others > 0 && words.others) remarks.push(element("span", "warning__others", filled(words.others, { n: String(face.others) })));
  if (remarks.length > 0) facts.append(element("p", "warning__remarks", ...remarks));
  return element("footer", "warning__foot", facts, scene === "alert" && face.link ? code(face) : null);
}

/** @param {Frame} face */
function code(face) {
  const image = element("img", "warning__code");
  image.src = `/display/qr/${encodeURIComponent(face.incident ?? "")}.svg`;
  image.alt = face.link;
  image.addEventListener("error", () => image.remove());
  return image;
}

/**
 * Put the section on the stage and make its words as large as the screen allows.
 * @param {HTMLElement} stage
 * @param {HTMLElement} section
 */
export function show(stage, section) {
  stage.replaceChildren(section);
  fit(section);
}
