// Copy buttons: shown only where the browser lets a page write to the clipboard.
const SAID_FOR_MS = 2000;

/** @param {HTMLButtonElement} button */
async function copy(button) {
  const source = document.getElementById(button.dataset.copy ?? "");
  if (!source) return;
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    select(source);
    return;
  }
  const before = button.textContent;
  button.textContent = button.dataset.copied ?? "";
  button.disabled = true;
  setTimeout(() => {
    button.textContent = before;
    button.disabled = false;
  }, SAID_FOR_MS);
}

// The browser refused: mark the text, so that one key press copies it.
/** @param {Element} source */
function select(source) {
  const range = document.createRange();
  range.selectNodeContents(source);
  const selection = getSelection();
  selection?.removeAllRanges();
  selection?.addRange(range);
}

export function offerCopying() {
  if (!navigator.clipboard) return;
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-copy]"))) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}
