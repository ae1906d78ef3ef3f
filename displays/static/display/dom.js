/** Making elements from words. Text only ever becomes text. */

/**
 * An element with class and children; empty children are left out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} className
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null).filter((child) => child !== ""));
  return made;
}

/**
 * The same with its language and direction.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} className
 * @param {string} language
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function spoken(tag, className, language, ...children) {
  const made = element(tag, className, ...children);
  made.lang = language;
  made.dir = directionOf(language);
  return made;
}

const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);

/**
 * "rtl" or "ltr".
 * @param {string} language
 * @returns {"rtl" | "ltr"}
 */
export function directionOf(language) {
  return RIGHT_TO_LEFT.has(language.split("-")[0]) ? "rtl" : "ltr";
}

/**
 * Words with {names} filled in.
 * @param {string} words
 * @param {Record<string, string>} values
 */
export function filled(words, values) {
  return words.replaceAll(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
