/**
 * The marks of the visual language (docs/design.md) for pages that build themselves: word, shape and colour together.
 * The geometry is that of icons/*.svg and templates/marks.html; a test keeps the three alike.
 */
const SVG = "http://www.w3.org/2000/svg";
/** @type {Record<string, string>} */
const GEOMETRY = {
  "level-1":
    '<path fill="currentColor" fill-rule="evenodd" d="M15 2h18l13 13v18L33 46H15L2 33V15zM20.5 10l1 19h5l1-19zM24 32a4 4 0 1 0 0 8 4 4 0 0 0 0-8z"/>',
  "level-2":
    '<path fill="currentColor" fill-rule="evenodd" d="M24 2l22.5 42h-45zM21 16l1 15h4l1-15zM24 33.5a3.3 3.3 0 1 0 0 6.6 3.3 3.3 0 0 0 0-6.6z"/>',
  "level-3":
    '<path fill="currentColor" fill-rule="evenodd" d="M24 2a22 22 0 1 0 0 44 22 22 0 0 0 0-44zM24 9a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM21 20h6v19h-6z"/>',
  "ending-all_clear":
    '<path fill="currentColor" fill-rule="evenodd" d="M24 2a22 22 0 1 0 0 44 22 22 0 0 0 0-44zM10.5 25l4.5-4.5 6.5 6.5L34 14l4.5 4.5-17 17.5z"/>',
  "ending-retracted":
    '<path fill="none" stroke="currentColor" stroke-width="4" stroke-linejoin="round" d="M24 6l19 36H5z"/><path fill="none" stroke="currentColor" stroke-width="5" stroke-linecap="round" d="M4 8l40 34M44 8L4 42"/>',
  "ending-expired":
    '<path fill="currentColor" d="M8 2h32v6H8zM8 40h32v6H8z"/><path fill="none" stroke="currentColor" stroke-width="4" stroke-linejoin="round" d="M13 8v5l11 11 11-11V8M13 40v-5l11-11 11 11v5"/><path fill="currentColor" d="M16 38l8-8 8 8v3H16z"/>',
  "ending-ended":
    '<path fill="none" stroke="currentColor" stroke-width="4" d="M4 4h40v40H4z"/><path fill="currentColor" d="M14 14h20v20H14z"/>',
  "occasion-ernstfall":
    '<path fill="currentColor" d="M2 17h44v14H2z"/>',
  "occasion-probewarnung":
    '<path fill="none" stroke="currentColor" stroke-width="5" d="M24 4.5a19.5 19.5 0 1 0 0 39 19.5 19.5 0 0 0 0-39z"/><path fill="none" stroke="currentColor" stroke-width="5" d="M24 14.5a9.5 9.5 0 1 0 0 19 9.5 9.5 0 0 0 0-19z"/>',
  "occasion-uebung":
    '<path fill="none" stroke="currentColor" stroke-width="4" d="M4 4h40v40H4z"/><path fill="none" stroke="currentColor" stroke-width="6" d="M6 28L28 6M6 42L42 6M20 42l22-22"/>',
};

/**
 * The decorative shape; its word stands beside it. Throws for a name there is no shape for.
 * @param {string} name
 */
export function mark(name) {
  if (!Object.hasOwn(GEOMETRY, name)) throw new RangeError(`no mark is called ${name}`);
  const source = `<svg xmlns="${SVG}" viewBox="0 0 48 48">${GEOMETRY[name]}</svg>`;
  const svg = document.importNode(new DOMParser().parseFromString(source, "image/svg+xml").documentElement, true);
  svg.setAttribute("class", "mark");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {...(Node | string)} children
 */
function element(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

/**
 * Warnstufe 1, 2 or 3 with its word, already in the reader's language.
 * @param {number} level
 * @param {string} word
 */
export function levelBadge(level, word) {
  return element("span", `level level--${level}`, mark(`level-${level}`), element("span", "level__word", word));
}

/**
 * all_clear, retracted, expired or ended, with its word.
 * @param {string} ending
 * @param {string} word
 */
export function endingMark(ending, word) {
  return element("span", `ending ending--${ending}`, mark(`ending-${ending}`), element("span", "ending__word", word));
}

/**
 * The same across the page, with the sentence that says what it means.
 * @param {string} ending
 * @param {string} word
 * @param {string} [sentence]
 */
export function endingBanner(ending, word, sentence = "") {
  const words = element("div", "", element("strong", "ending__word", word));
  if (sentence) words.append(element("p", "ending__sentence", sentence));
  return element("div", `ending ending--banner ending--${ending}`, mark(`ending-${ending}`), words);
}

/**
 * ernstfall, probewarnung or uebung, with its word. Goes first, above everything that belongs to it.
 * @param {string} occasion
 * @param {string} word
 */
export function occasionRibbon(occasion, word) {
  const plate = element("span", "occasion__plate", mark(`occasion-${occasion}`), element("span", "occasion__word", word));
  return element("p", `occasion occasion--${occasion}`, plate);
}
