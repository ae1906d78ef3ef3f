/** Courses card by card, with answers at once. Progress stays on this phone and works without storage too. */
const PREFIX = "realis.course.";

/**
 * @typedef {object} Progress
 * @property {number} step
 * @property {Record<string, number>} answers by step
 * @property {boolean} done
 */

/**
 * @param {string} slug
 * @returns {Partial<Progress>}
 */
function recall(slug) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + slug) ?? "null") ?? {};
  } catch {
    return {};
  }
}

/**
 * @param {string} slug
 * @param {Progress} progress
 */
function note(slug, progress) {
  try {
    localStorage.setItem(PREFIX + slug, JSON.stringify(progress));
  } catch {
    // Private windows may refuse; the course goes on without a memory.
  }
}

/**
 * @param {HTMLElement} step
 * @param {number} choice
 */
function answer(step, choice) {
  const field = /** @type {HTMLElement} */ (step.querySelector(".question"));
  const right = Number(field.dataset.right);
  for (const [index, label] of [...field.querySelectorAll(".check")].entries()) {
    label.classList.toggle("check-right", index === choice && index === right);
    label.classList.toggle("check-wrong", index === choice && index !== right);
  }
  const words = /** @type {HTMLTemplateElement} */ (step.querySelector(choice === right ? ".feedback-good" : ".feedback-bad"));
  step.querySelector(".feedback")?.replaceChildren(words.content.cloneNode(true));
}

class Player {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.slug = root.dataset.slug ?? "";
    this.steps = [.../** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(".step"))];
    this.bar = /** @type {HTMLProgressElement} */ (root.querySelector("progress"));
    this.label = /** @type {HTMLElement} */ (root.querySelector(".course-progress label"));
    this.back = /** @type {HTMLButtonElement} */ (document.getElementById("course-back"));
    this.next = /** @type {HTMLButtonElement} */ (document.getElementById("course-next"));
    /** @type {Progress} */
    this.progress = { step: 0, answers: {}, done: false, ...recall(this.slug) };
    for (const shown of [".course-progress", ".course-moves", ".course-end"]) {
      /** @type {HTMLElement} */ (root.querySelector(shown)).hidden = false;
    }
    root.classList.add("course-playing");
  }

  start() {
    this.back.addEventListener("click", () => this.go(this.progress.step - 1));
    this.next.addEventListener("click", () => this.go(this.progress.step + 1));
    document.getElementById("course-again")?.addEventListener("click", () => this.again());
    for (const [index, step] of this.steps.entries()) {
      step.addEventListener("change", (event) => {
        const radio = /** @type {HTMLInputElement} */ (event.target);
        this.answered(index, Number(radio.value));
      });
    }
    this.restore();
    this.show(Math.min(this.progress.step, this.steps.length - 1));
  }

  restore() {
    for (const [index, choice] of Object.entries(this.progress.answers)) {
      const step = this.steps[Number(index)];
      const radio = /** @type {HTMLInputElement | undefined} */ (step?.querySelectorAll("input[type=radio]")[choice]);
      if (!radio) continue;
      radio.checked = true;
      answer(step, choice);
    }
  }

  /**
   * @param {number} index
   * @param {number} choice
   */
  answered(index, choice) {
    this.progress.answers[index] = choice;
    note(this.slug, this.progress);
    answer(this.steps[index], choice);
  }

  /** @param {number} index */
  go(index) {
    this.show(index);
    this.steps[this.progress.step].querySelector("h2")?.focus();
  }

  /** @param {number} index */
  show(index) {
    const last = this.steps.length - 1;
    this.progress.step = Math.max(0, Math.min(index, last));
    this.progress.done ||= this.progress.step === last;
    this.steps.forEach((step, number) => (step.hidden = number !== this.progress.step));
    this.bar.max = this.steps.length;
    this.bar.value = this.progress.step + 1;
    const text = (this.label.dataset.text ?? "").replace("{step}", String(this.progress.step + 1));
    this.label.textContent = text.replace("{all}", String(this.steps.length));
    this.back.disabled = this.progress.step === 0;
    this.next.hidden = this.progress.step === last;
    note(this.slug, this.progress);
  }

  again() {
    this.progress = { step: 0, answers: {}, done: this.progress.done };
    for (const step of this.steps) {
      const radios = /** @type {NodeListOf<HTMLInputElement>} */ (step.querySelectorAll("input[type=radio]"));
      radios.forEach((radio) => (radio.checked = false));
      step.querySelectorAll(".check").forEach((label) => label.classList.remove("check-right", "check-wrong"));
      step.querySelector(".feedback")?.replaceChildren();
    }
    this.go(0);
  }
}

function markList() {
  for (const item of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-course]"))) {
    const { step = 0, done = false } = recall(item.dataset.course ?? "");
    /** @type {HTMLElement} */ (item.querySelector('[data-progress="done"]')).hidden = !done;
    /** @type {HTMLElement} */ (item.querySelector('[data-progress="begun"]')).hidden = done || step === 0;
  }
}

const root = document.getElementById("course");
if (root) new Player(root).start();
markList();
