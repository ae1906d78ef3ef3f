/** Making elements from words. Text only ever becomes text. */

/** An element with class and children; empty children are left out. */
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

/** The same with its language and direction. */
export function spoken(tag, className, language, ...children) {
  const made = element(tag, className, ...children);
  made.lang = language;
  made.dir = directionOf(language);
  return made;
}

const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);

/** "rtl" or "ltr". */
export function directionOf(language) {
  return RIGHT_TO_LEFT.has(language.split("-")[0]) ? "rtl" : "ltr";
}

/** Words with {names} filled in. */
export function filled(words, values) {
  return words.replaceAll(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
