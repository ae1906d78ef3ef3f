/**
 * The screen: holds the newest verified state, paints what is true now, and tells the gateway what it painted.
 * Runs for months; nothing here grows.
 */
import { Clock } from "./clock.js";
import { directionOf } from "./dom.js";
import { importKey, readState } from "./frames.js";
import { Idle } from "./idle.js";
import { Link } from "./link.js";
import { sameSubject, supersedes } from "./order.js";
import { capable, pin, takeToken } from "./pairing.js";
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
  #stage = document.querySelector("#stage");
  #status = new Status(document.querySelector("#status"));
  #idle;
  #link = null;
  #key = null;
  #held = null;
  #scene = "";
  #turn = 0;
  #turnedAt = 0;
  #note = "";
  #standing = "";
  #painted = null;
  #work = Promise.resolve();
  #savedAt = 0;

  constructor(store, config) {
    this.#store = store;
    this.#config = config;
    this.#clock = new Clock(store);
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
      this.#key = await importKey(jwk);
      await this.#restore();
      this.#connect();
    }
    this.#tick();
    setInterval(() => this.#tick(), TICK_MS);
    setInterval(() => this.#idle.turn(), LESSON_MS);
    setInterval(() => this.#refresh(), CONFIG_MS * (0.75 + Math.random() / 2));
    addEventListener("resize", () => this.#repaint());
    document.addEventListener("visibilitychange", () => this.#awake());
    document.fonts?.ready.then(() => this.#repaint());
    this.#awake();
  }

  #words(language) {
    return this.#config.words[language] ?? this.#config.words[language.split("-")[0]] ?? this.#config.words.de;
  }

  #tell(name, detail = "") {
    this.#note = name === "" ? this.#standing : this.#words("de")[name] + (detail ? ` (${detail})` : "");
    if (this.#note) console.error("display:", this.#note);
  }

  // ------------------------------------------------------------ what is held

  async #restore() {
    const kept = this.#store.read("state");
    if (kept === null) return;
    try {
      const state = await readState(kept.frames, this.#key, this.#store.read("screen"));
      const current = kept.current ? await readState([kept.current], this.#key, this.#store.read("screen")) : null;
      this.#held = state;
      if (current !== null) this.#confirmHeld(current);
      this.#clock.raise(this.#held.mark.asOf);
    } catch (refused) {
      this.#store.remove("state");
      this.#held = null;
      this.#tell("stored_refused", refused.message);
    }
  }

  async #receive(signed) {
    let state;
    try {
      state = await readState(signed, this.#key, this.#store.read("screen"));
    } catch (refused) {
      this.#tell("refused", refused.message);
      return;
    }
    if (state.kind === "current") this.#confirmHeld(state);
    else this.#take(state);
    this.#tick();
  }

  #take(state) {
    if (!supersedes(state.mark, this.#held?.mark ?? null)) {
      console.warn("display: older state refused", state.mark.version, this.#held.mark.version);
      return;
    }
    const same = this.#held !== null && this.#held.kind === state.kind && sameSubject(state.mark, this.#held.mark);
    this.#held = state;
    this.#clock.raise(state.mark.asOf);
    this.#store.write("state", { frames: state.signed, current: null });
    this.#tell("");
    if (same) this.#repaint();
    else this.#scene = "";
  }

  /** "What you hold is still true": only its age and version change. */
  #confirmHeld(current) {
    if (this.#held === null || !sameSubject(current.mark, this.#held.mark)) return;
    if (!supersedes(current.mark, this.#held.mark)) return;
    this.#held = { ...this.#held, mark: current.mark };
    this.#clock.raise(current.mark.asOf);
    this.#store.write("state", { frames: this.#held.signed, current: current.signed[0] });
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
    const mark = this.#held?.mark;
    const have = mark ? { version: mark.version, incident: mark.incident } : null;
    return { type: "hello", proto: 1, token: this.#store.read("token"), have };
  }

  #up(welcome) {
    if (this.#store.read("screen") !== welcome.screen) {
      // The screen was moved: what it holds was signed for another place.
      this.#store.write("screen", welcome.screen);
      this.#store.remove("state");
      this.#held = null;
      this.#scene = "";
    }
    this.#clock.forget();
    this.#idle.use(welcome.idle);
    this.#tell("");
    this.#confirmShown();
    this.#refresh();
  }

  #down(code, reason) {
    if (code === 4401 || code === 4410) this.#tell("barred", reason);
    this.#tick();
  }

  #hear(data) {
    if (data.type === "state") this.#work = this.#work.then(() => this.#receive(data.frames)).catch((failure) => console.error(failure));
    else if (data.type === "bye") console.warn("display: the gateway says goodbye", data.code, data.reason);
  }

  /** New words, and a new program once nothing is shown that must stay. */
  async #refresh() {
    try {
      const answer = await fetch("/display/config.json", { cache: "no-store", signal: AbortSignal.timeout(10_000) });
      if (!answer.ok) return;
      const config = await answer.json();
      if (config.version !== this.#config.version && this.#scene === "idle" && this.#link?.connected) {
        this.#clock.save();
        location.reload();
      }
    } catch (failure) {
      console.warn("display: no new configuration", failure.name);
    }
  }

  // ------------------------------------------------------------ painting

  #tick() {
    const now = this.#clock.now();
    const scene = sceneOf(this.#held, now, this.#clock.known);
    const due = scene !== "idle" && this.#held.faces.length > 1 && performance.now() - this.#turnedAt >= TURN_MS;
    if (scene !== this.#scene) this.#enter(scene);
    else if (due) this.#next();
    if (scene === "idle") this.#idle.tick(now, this.#clock.known ? null : this.#words("de").time_unknown);
    this.#paintStatus(now);
    if (performance.now() - this.#savedAt > CLOCK_SAVE_MS) {
      this.#savedAt = performance.now();
      this.#clock.save();
    }
  }

  #enter(scene) {
    this.#scene = scene;
    this.#turn = 0;
    this.#turnedAt = performance.now();
    document.documentElement.dataset.scene = scene;
    this.#repaint();
    if (scene === "alert" || scene === "ending") this.#afterPaint();
    else if (scene === "idle") this.#painted = null;
  }

  #next() {
    this.#turn += 1;
    this.#turnedAt = performance.now();
    this.#repaint();
  }

  #face() {
    const { faces } = this.#held;
    return faces[this.#turn % faces.length];
  }

  #repaint() {
    if (this.#scene === "idle") {
      if (this.#stage.firstChild !== this.#idle.element) this.#stage.replaceChildren(this.#idle.element);
    } else if (this.#scene !== "") {
      const face = this.#face();
      const languages = this.#held.faces.map((other) => other.lang);
      const around = { languages, names: this.#config.names, words: this.#words(face.lang) };
      show(this.#stage, warningSection(face, this.#scene, around));
    }
  }

  #paintStatus(now) {
    const language = this.#scene === "idle" ? "de" : this.#face().lang;
    const words = this.#words(language);
    const known = this.#clock.known;
    const facts = { asOf: this.#held?.mark.asOf ?? null, now, timeKnown: known, connected: this.#link?.connected ?? false };
    const age = this.#key === null ? "" : ageWords(facts, words, language);
    const clock = known || this.#scene === "idle" ? "" : words.time_unknown;
    this.#status.paint({ age, clock, note: this.#note, language, direction: directionOf(language) });
  }

  // ------------------------------------------------------------ proof of display

  /** Two frames after the change the pixels are there; on a hidden page, once it is seen. */
  #afterPaint() {
    const { incident, revision } = this.#held.mark;
    const painted = () => {
      if (this.#held?.mark.incident !== incident || this.#held.mark.revision !== revision) return;
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
      console.warn("display: no wake lock", refused.name);
    }
  }
}

async function configuration(store) {
  for (;;) {
    try {
      const answer = await fetch("/display/config.json", { cache: "no-store", signal: AbortSignal.timeout(10_000) });
      if (answer.ok) {
        const config = await answer.json();
        store.write("config", config);
        return config;
      }
    } catch (failure) {
      console.warn("display: no configuration", failure.name);
    }
    const kept = store.read("config");
    if (kept !== null) return kept;
    await new Promise((resolve) => setTimeout(resolve, 2000 + Math.random() * 8000));
  }
}

/** Hand the parts of this page to the worker, which was not there yet when they were first loaded. */
async function keepProgram() {
  await navigator.serviceWorker.register("/display/sw.js", { scope: "/display/" });
  const { active } = await navigator.serviceWorker.ready;
  const parts = performance.getEntriesByType("resource").map((entry) => entry.name);
  active.postMessage({ keep: [location.origin + location.pathname, ...new Set(parts)] });
}

async function begin() {
  const store = new Store();
  addEventListener("hashchange", () => takeToken(store) && location.reload());
  if (!capable()) {
    document.querySelector("#insecure").hidden = false;
    return;
  }
  takeToken(store);
  keepProgram().catch((failure) => console.warn("display: the page is not kept for times without network", failure.name));
  await new Screen(store, await configuration(store)).start();
}

begin();
