// "in 3 h" fills in date and time without leaving the page. The server works the time out, so that a desk whose
// clock or zone is wrong still writes the city's time; only the two fields are taken from its answer.
const PATIENCE_MS = 8000;

/**
 * @param {HTMLFormElement} form
 * @param {HTMLButtonElement} button
 */
async function set(form, button) {
  const data = new FormData(form);
  data.set("action", button.value);
  const answer = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams(/** @type {any} */ (data)),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const name of ["expires_date", "expires_time"]) {
    const value = /** @type {?HTMLInputElement} */ (page.getElementById(name))?.value;
    if (!value) throw new Error("not the page that was expected");
    /** @type {HTMLInputElement} */ (form.elements.namedItem(name)).value = value;
  }
  /** @type {HTMLInputElement} */ (form.elements.namedItem("expires_time")).dispatchEvent(new Event("input", { bubbles: true }));
}

export function setTimesInPlace() {
  const form = /** @type {?HTMLFormElement} */ (document.getElementById("edit"));
  if (!form) return;
  /** @param {SubmitEvent} event */
  const take = (event) => {
    const button = /** @type {?HTMLButtonElement} */ (event.submitter);
    if (!button?.value.startsWith("until:")) return;
    event.preventDefault();
    set(form, button).catch(() => {
      // Whatever went wrong, the plain form still says what.
      form.removeEventListener("submit", take);
      form.requestSubmit(button);
    });
  };
  form.addEventListener("submit", take);
}
