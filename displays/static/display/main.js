/**
 * The screen: holds the newest verified state, paints what is true now, and tells the gateway what it painted.
 * Runs for months; nothing here grows.
 */
import { Clock } from "./clock.js";
import { directionOf } from "./dom.js";
import { fit } from "./fit.js";
import { importKey } from "./frames.js";
import { Held } from "./held.js";
import { Idle } from "./idle.js";
import { Link } from "./link.js";
import { capable, pin, takeToken } from "./pairing.js";
import { configuration, freshConfiguration, keepProgram } from "./program.js";
import { sceneOf } from "./scene.js";
import { ageWords, Status } from "./status.js";
import { Store } from "./store.js";
import { show, warningSection } from "./warning.js";

const TICK_MS = 500;
const TURN_MS = 8000;
const LESSON_MS = 20_000;
const CONFIG_MS = 3_600_000;
const CLOCK_SAVE_MS = 10_000;

class Screen {
  #store;
  #config;
  #clock;
  #stage = /** @type {HTMLElement} */ (document.querySelector("#stage"));
  #status = new Status(/** @type {HTMLElement} */ (document.querySelector("#status")));
  #idle;
  /** @type {?Link} */
  #link = null;
  #held;
  /** @type {Scene | ""} */
  #scene = "";
  #turn = 0;
  #turnedAt = 0;
  #note = "";
  #standing = "";
  /** @type {?{ incident: ?string, revision: number, at: string }} */
  #painted = null;
  /** @type {Promise<void>} */
  #work = Promise.resolve();
  #savedAt = 0;

  /**
   * @param {Store} store
   * @param {ScreenConfiguration} config
   */
  constructor(store, config) {
    this.#store = store;
    this.#config = config;
    this.#clock = new Clock(store);
    this.#held = new Held(store);
    this.#idle = new Idle(config.idle, this.#words("de"));
  }

  /** Load what is held, then connect. */
  async start() {
    const { jwk, changed } = pin(this.#store, this.#config.jwk);
    if (changed) this.#standing = this.#words("de").key_changed;
    this.#tell("");
    if (this.#store.read("token") === null || jwk === null) {
      this.#tell("no_token");
    } else {
      this.#held.key = await importKey(jwk);
      await this.#restore();
      this.#connect();
    }
    this.#tick();
    setInterval(() => this.#tick(), TICK_MS);
    setInterval(() => this.#idle.turn(), LESSON_MS);
    setInterval(() => this.#refresh(), CONFIG_MS * (0.75 + Math.random() / 2));
    new ResizeObserver(() => this.#refit()).observe(this.#stage);
    document.addEventListener("visibilitychange", () => this.#awake());
    document.fonts?.ready.then(() => this.#refit());
    this.#awake();
  }

  /**
   * @param {string} language
   * @returns {Words}
   */
  #words(language) {
    return this.#config.words[language] ?? this.#config.words[language.split("-")[0]] ?? this.#config.words.de;
  }

  /**
   * @param {string} name
   * @param {string} [detail]
   */
  #tell(name, detail = "") {
    this.#note = name === "" ? this.#standing : this.#words("de")[name] + (detail ? ` (${detail})` : "");
    if (this.#note) console.error("display:", this.#note);
  }

  // ------------------------------------------------------------ what is held

  async #restore() {
    try {
      await this.#held.restore();
    } catch (refused) {
      this.#tell("stored_refused", /** @type {Error} */ (refused).message);
    }
    if (this.#held.mark !== null) this.#clock.raise(this.#held.mark.asOf);
  }

  /** @param {unknown} signed */
  async #receive(signed) {
    let change;
    try {
      change = await this.#held.receive(signed);
    } catch (refused) {
      this.#tell("refused", /** @type {Error} */ (refused).message);
      return;
    }
    if (this.#held.mark !== null) this.#clock.raise(this.#held.mark.asOf);
    if (change === "new" || change === "same") this.#tell("");
    if (change === "new") this.#scene = "";
    else if (change === "same") this.#repaint();
    this.#tick();
  }

  // ------------------------------------------------------------ the connection

  #connect() {
    this.#link = new Link(this.#config.gateway_url, {
      hello: () => this.#hello(),
      message: (data) => this.#hear(data),
      up: (welcome) => this.#up(welcome),
      down: (code, reason) => this.#down(code, reason),
      time: (server, sentAt) => {
        this.#clock.learn(server, sentAt);
        this.#tick();
      },
    });
    this.#link.open();
  }

  #hello() {
    const { mark } = this.#held;
    const have = mark ? { version: mark.version, incident: mark.incident } : null;
    return { type: "hello", proto: 1, token: this.#store.read("token"), have };
  }

  /** @param {Welcome} welcome */
  #up(welcome) {
    if (this.#held.belongTo(welcome.screen)) this.#scene = "";
    this.#clock.forget();
    this.#idle.use(welcome.idle);
    this.#tell("");
    this.#confirmShown();
    this.#refresh();
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #down(code, reason) {
    if (code === 4401 || code === 4410) this.#tell("barred", reason);
    this.#tick();
  }

  /** @param {any} data */
  #hear(data) {
    if (data.type === "state") this.#work = this.#work.then(() => this.#receive(data.frames)).catch((failure) => console.error(failure));
    else if (data.type === "bye") console.warn("display: the gateway says goodbye", data.code, data.reason);
  }

  /** A new program, once nothing is shown that must stay. */
  async #refresh() {
    const config = await freshConfiguration();
    if (config === null || config.version === this.#config.version) return;
    if (this.#scene === "idle" && this.#link?.connected) {
      this.#clock.save();
      location.reload();
    }
  }

  // ------------------------------------------------------------ painting

  #tick() {
    const now = this.#clock.now();
    const scene = sceneOf(this.#held.state, now, this.#clock.known);
    const due = scene !== "idle" && this.#faces().length > 1 && performance.now() - this.#turnedAt >= TURN_MS;
    if (scene !== this.#scene) this.#enter(scene);
    else if (due) this.#next();
    if (scene === "idle") this.#idle.tick(now, this.#clock.known ? null : this.#words("de").time_unknown);
    this.#paintStatus(now);
    if (performance.now() - this.#savedAt > CLOCK_SAVE_MS) {
      this.#savedAt = performance.now();
      this.#clock.save();
    }
  }

  /** @param {Scene} scene */
  #enter(scene) {
    this.#scene = scene;
    this.#turn = 0;
    this.#turnedAt = performance.now();
    document.documentElement.dataset.scene = scene;
    this.#repaint();
    if (scene !== "idle") this.#stage.firstElementChild?.setAttribute("role", "alert");
    if (scene === "alert" || scene === "ending") this.#afterPaint();
    else if (scene === "idle") this.#painted = null;
  }

  #next() {
    this.#turn += 1;
    this.#turnedAt = performance.now();
    this.#repaint();
  }

  #faces() {
    return this.#held.state?.faces ?? [];
  }

  #face() {
    const faces = this.#faces();
    return faces[this.#turn % faces.length];
  }

  #repaint() {
    if (this.#scene === "idle") {
      if (this.#stage.firstChild !== this.#idle.element) this.#stage.replaceChildren(this.#idle.element);
    } else if (this.#scene !== "") {
      const face = this.#face();
      const languages = this.#faces().map((other) => other.lang);
      const around = { languages, names: this.#config.names, words: this.#words(face.lang) };
      show(this.#stage, warningSection(face, this.#scene, around));
    }
  }

  #refit() {
    const section = /** @type {?HTMLElement} */ (this.#stage.querySelector(".warning"));
    if (section !== null) fit(section);
  }

  /** @param {number} now */
  #paintStatus(now) {
    const language = this.#scene === "idle" ? "de" : this.#face().lang;
    const words = this.#words(language);
    const known = this.#clock.known;
    const facts = { asOf: this.#held.mark?.asOf ?? null, now, timeKnown: known, connected: this.#link?.connected ?? false };
    const age = this.#held.key === null ? "" : ageWords(facts, words, language);
    const clock = known || this.#scene === "idle" ? "" : words.time_unknown;
    this.#status.paint({ age, clock, note: this.#note, language, direction: directionOf(language) });
  }

  // ------------------------------------------------------------ proof of display

  /** Two frames after the change the pixels are there; on a hidden page, once it is seen. */
  #afterPaint() {
    const { incident, revision } = /** @type {StateMark} */ (this.#held.mark);
    const painted = () => {
      if (this.#held.mark?.incident !== incident || this.#held.mark.revision !== revision) return;
      this.#painted = { incident, revision, at: new Date(this.#clock.now()).toISOString() };
      this.#confirmShown();
    };
    const frames = () => requestAnimationFrame(() => requestAnimationFrame(painted));
    if (document.visibilityState === "visible") frames();
    else document.addEventListener("visibilitychange", frames, { once: true });
  }

  #confirmShown() {
    if (this.#painted !== null) this.#link?.send({ type: "shown", ...this.#painted });
  }

  async #awake() {
    if (document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
    try {
      await navigator.wakeLock.request("screen");
    } catch (refused) {
      console.warn("display: no wake lock", /** @type {Error} */ (refused).name);
    }
  }
}

async function begin() {
  const store = new Store();
  addEventListener("hashchange", () => takeToken(store) && location.reload());
  if (!capable()) {
    /** @type {HTMLElement} */ (document.querySelector("#insecure")).hidden = false;
    return;
  }
  takeToken(store);
  keepProgram().catch((failure) => console.warn("display: the page is not kept for times without network", failure.name));
  await new Screen(store, await configuration(store)).start();
}

begin();
