/** Courses card by card, with answers at once. Progress stays on this phone and works without storage too. */
const PREFIX = "realis.course.";

function recall(slug) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + slug)) ?? {};
  } catch {
    return {};
  }
}

function note(slug, progress) {
  try {
    localStorage.setItem(PREFIX + slug, JSON.stringify(progress));
  } catch {
    // Private windows may refuse; the course goes on without a memory.
  }
}

function answer(step, choice) {
  const field = step.querySelector(".question");
  const right = Number(field.dataset.right);
  for (const [index, label] of [...field.querySelectorAll(".check")].entries()) {
    label.classList.toggle("check-right", index === choice && index === right);
    label.classList.toggle("check-wrong", index === choice && index !== right);
  }
  const words = step.querySelector(choice === right ? ".feedback-good" : ".feedback-bad");
  step.querySelector(".feedback").replaceChildren(words.content.cloneNode(true));
}

class Player {
  constructor(root) {
    this.slug = root.dataset.slug;
    this.steps = [...root.querySelectorAll(".step")];
    this.bar = root.querySelector("progress");
    this.label = root.querySelector(".course-progress label");
    this.back = document.getElementById("course-back");
    this.next = document.getElementById("course-next");
    this.progress = { step: 0, answers: {}, done: false, ...recall(this.slug) };
    root.querySelector(".course-progress").hidden = false;
    root.querySelector(".course-moves").hidden = false;
    root.querySelector(".course-end").hidden = false;
    root.classList.add("course-playing");
  }

  start() {
    this.back.addEventListener("click", () => this.go(this.progress.step - 1));
    this.next.addEventListener("click", () => this.go(this.progress.step + 1));
    document.getElementById("course-again").addEventListener("click", () => this.again());
    for (const [index, step] of this.steps.entries()) {
      step.addEventListener("change", (event) => this.answered(index, Number(event.target.value)));
    }
    this.restore();
    this.show(Math.min(this.progress.step, this.steps.length - 1));
  }

  restore() {
    for (const [index, choice] of Object.entries(this.progress.answers)) {
      const radio = this.steps[index]?.querySelectorAll("input[type=radio]")[choice];
      if (!radio) continue;
      radio.checked = true;
      answer(this.steps[index], choice);
    }
  }

  answered(index, choice) {
    this.progress.answers[index] = choice;
    note(this.slug, this.progress);
    answer(this.steps[index], choice);
  }

  go(index) {
    this.show(index);
    this.steps[this.progress.step].querySelector("h2").focus();
  }

  show(index) {
    const last = this.steps.length - 1;
    this.progress.step = Math.max(0, Math.min(index, last));
    this.progress.done ||= this.progress.step === last;
    this.steps.forEach((step, number) => (step.hidden = number !== this.progress.step));
    this.bar.max = this.steps.length;
    this.bar.value = this.progress.step + 1;
    const text = this.label.dataset.text.replace("{step}", this.progress.step + 1);
    this.label.textContent = text.replace("{all}", this.steps.length);
    this.back.disabled = this.progress.step === 0;
    this.next.hidden = this.progress.step === last;
    note(this.slug, this.progress);
  }

  again() {
    this.progress = { step: 0, answers: {}, done: this.progress.done };
    for (const step of this.steps) {
      step.querySelectorAll("input[type=radio]").forEach((radio) => (radio.checked = false));
      step.querySelectorAll(".check").forEach((label) => label.classList.remove("check-right", "check-wrong"));
      step.querySelector(".feedback")?.replaceChildren();
    }
    this.go(0);
  }
}

function markList() {
  for (const item of document.querySelectorAll("[data-course]")) {
    const { step = 0, done = false } = recall(item.dataset.course);
    item.querySelector('[data-progress="done"]').hidden = !done;
    item.querySelector('[data-progress="begun"]').hidden = done || step === 0;
  }
}

const root = document.getElementById("course");
if (root) new Player(root).start();
markList();
