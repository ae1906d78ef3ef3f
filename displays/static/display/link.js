/**
 * The connection to the gateway: one socket at a time, a heartbeat of the page itself, and coming back after a loss
 * with full jitter, so that many screens never return at once. It understands no warning.
 */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
const REFUSED_RETRY_MS = 120_000;
const SILENT_MS = 25_000;
const WRONG_TOKEN = 4401;
const REVOKED = 4410;

export class Link {
  #url;
  #handlers;
  /** @type {?(WebSocket & { greeted?: boolean })} */
  #socket = null;
  #failures = 0;
  /** @type {Map<number, number>} */
  #pings = new Map();
  #nextPing = 1;
  #heardAt = 0;
  /** @type {number | undefined} */
  #heartbeat;
  /** @type {number | undefined} */
  #retry;

  /**
   * handlers: hello(), message(data), up(welcome), down(code, reason), time(serverMs, sentAt)
   * @param {string} url
   * @param {LinkHandlers} handlers
   */
  constructor(url, handlers) {
    this.#url = url;
    this.#handlers = handlers;
    addEventListener("online", () => this.#now());
    document.addEventListener("visibilitychange", () => this.#ping());
  }

  get connected() {
    return this.#socket?.greeted === true;
  }

  open() {
    clearTimeout(this.#retry);
    this.close();
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#heardAt = performance.now();
    socket.onopen = () => socket.send(JSON.stringify(this.#handlers.hello()));
    socket.onmessage = (event) => this.#socket === socket && this.#hear(event.data);
    socket.onclose = (event) => this.#socket === socket && this.#lost(event.code, event.reason);
    this.#heartbeat = setInterval(() => this.#beat(), 5000);
  }

  close() {
    clearInterval(this.#heartbeat);
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) socket.close(1000);
    this.#pings.clear();
  }

  /** @param {object} message */
  send(message) {
    if (!this.connected || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #now() {
    if (!this.connected) this.open();
  }

  #beat() {
    if (performance.now() - this.#heardAt > SILENT_MS) {
      this.#lost(0, "still");
      return;
    }
    this.#ping();
  }

  #ping() {
    const id = this.#nextPing++;
    if (!this.send({ type: "ping", id })) return;
    this.#pings.set(id, performance.now());
    for (const old of this.#pings.keys()) if (old < id - 5) this.#pings.delete(old);
  }

  /** @param {string} text */
  #hear(text) {
    this.#heardAt = performance.now();
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      console.error("display: the gateway sent no JSON");
      return;
    }
    if (data.type === "welcome") {
      if (this.#socket !== null) this.#socket.greeted = true;
      this.#failures = 0;
      this.#handlers.up(data);
      this.#ping();
    } else if (data.type === "pong" && this.#pings.has(data.id)) {
      this.#handlers.time(Date.parse(data.server_time), /** @type {number} */ (this.#pings.get(data.id)));
      this.#pings.delete(data.id);
    } else {
      this.#handlers.message(data);
    }
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #lost(code, reason) {
    this.close();
    this.#failures += 1;
    const barred = code === WRONG_TOKEN || code === REVOKED;
    const ceiling = barred ? REFUSED_RETRY_MS : Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 10));
    const wait = (barred ? REFUSED_RETRY_MS / 2 : 0) + Math.random() * ceiling;
    this.#retry = setTimeout(() => this.open(), wait);
    this.#handlers.down(code, reason);
  }
}
