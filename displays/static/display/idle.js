/** What the screen shows while nothing is wrong: the city, the time, one sentence to learn. Never like a warning. */
import { directionOf, element, spoken } from "./dom.js";

export class Idle {
  #root = element("section", "idle");
  #time = element("p", "idle__time");
  #date = element("p", "idle__date");
  #lesson = element("div", "idle__lesson");
  #name = element("h1", "idle__city");
  /** Set by `use`, as the formats are. */
  #content = /** @type {IdleContent} */ ({});
  #formats = /** @type {{ time: Intl.DateTimeFormat, date: Intl.DateTimeFormat }} */ ({});
  #turn = 0;

  /**
   * @param {IdleContent} content
   * @param {Words} words
   */
  constructor(content, words) {
    this.#root.append(
      element("header", "idle__head", this.#name, element("div", "idle__clock", this.#time, this.#date)),
      this.#lesson,
      element("p", "idle__foot", words.purpose),
    );
    this.use(content);
  }

  get element() {
    return this.#root;
  }

  /**
   * New words from the gateway or the configuration.
   * @param {IdleContent} content
   */
  use(content) {
    this.#content = content;
    const timeZone = content.time_zone;
    this.#formats = {
      time: new Intl.DateTimeFormat("de", { timeZone, hour: "2-digit", minute: "2-digit" }),
      date: new Intl.DateTimeFormat("de", { timeZone, weekday: "long", day: "numeric", month: "long" }),
    };
    this.#name.textContent = content.city;
    this.turn();
  }

  /**
   * The time, or that it is unknown.
   * @param {number} now
   * @param {?string} unknownWords
   */
  tick(now, unknownWords) {
    this.#time.textContent = unknownWords ?? this.#formats.time.format(now);
    this.#time.classList.toggle("idle__time--unknown", unknownWords !== null);
    this.#date.textContent = unknownWords === null ? this.#formats.date.format(now) : "";
  }

  /** The next sentence. */
  turn() {
    const { lessons } = this.#content;
    this.#lesson.replaceChildren();
    if (lessons.length === 0) return;
    const lesson = lessons[this.#turn++ % lessons.length];
    this.#lesson.lang = lesson.lang;
    this.#lesson.dir = directionOf(lesson.lang);
    this.#lesson.append(element("p", "idle__topic", lesson.title), spoken("p", "idle__sentence", lesson.lang, lesson.text));
  }
}
