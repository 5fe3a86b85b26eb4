// Asking the service: one request, what can go wrong with it, and the rounds in which all models are asked.

import { on } from "./dom.js";

const PATIENCE = 15_000; // milliseconds after which a request without an answer counts as lost
const PAUSE = 200; // between the beginnings of two rounds
const STALE = 600; // a round that takes longer gives way to a newer picture
const LONGEST_WAIT = 16; // seconds between two tries
let key = "";

export function useKey(given) {
  key = given;
}

// What an answer could not be had for. code: the service's, or "lost" when there was no answer at all.
export class Trouble extends Error {
  constructor(code, message, seconds = 1) {
    super(message);
    Object.assign(this, { code, seconds });
  }

  // Whether it passes by itself.
  get passes() {
    return this.code === "lost" || this.code === "overloaded";
  }
}

// The JSON of an answer. Throws Trouble, or AbortError when `signal` says so.
export async function ask(path, { body, signal } = {}) {
  const signals = [AbortSignal.timeout(PATIENCE), ...(signal ? [signal] : [])];
  const headers = key ? { "X-API-Key": key } : {};
  let answer, said;
  try {
    answer = await fetch(path, { method: body ? "POST" : "GET", body, headers, signal: AbortSignal.any(signals) });
    said = await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("lost", error.message);
  }
  if (answer.ok) return said;
  throw new Trouble(said.error?.code, said.error?.message, Number(answer.headers.get("Retry-After")) || 1);
}

// Rounds: `work(signal)` is done soon after `wanted()`, at most once at a time and a few times a second; what was
// wanted last is always done. When it throws a Trouble that passes, it is tried again, later each time.
export class Rounds {
  // trouble(trouble): told of each, and with null when it is over.
  constructor(work, trouble) {
    Object.assign(this, { work, trouble, again: false, running: null, began: 0, timer: 0, failures: 0 });
    on(window, "online", () => this.retry());
  }

  wanted() {
    this.again = true;
    if (!this.failures) this.soon();
  }

  // At once, whatever was to be waited for.
  retry() {
    clearTimeout(this.timer);
    this.begin();
  }

  soon() {
    if (this.timer) return;
    const since = performance.now() - this.began;
    const wait = (this.running ? STALE : PAUSE) - since;
    if (wait <= 0) this.begin();
    else this.timer = setTimeout(() => this.begin(), wait);
  }

  async begin() {
    this.timer = 0;
    this.running?.abort();
    const mine = (this.running = new AbortController());
    this.again = false;
    this.began = performance.now();
    let error = null;
    try {
      await this.work(mine.signal);
    } catch (thrown) {
      if (!(thrown instanceof Trouble) && thrown.name !== "AbortError") throw thrown;
      error = thrown;
    }
    if (this.running !== mine) return; // a newer round is under way
    this.running = null;
    this.ended(error);
  }

  ended(error) {
    clearTimeout(this.timer);
    this.timer = 0;
    this.failures = error?.passes ? this.failures + 1 : 0;
    if (this.failures) {
      error.seconds = Math.max(error.seconds, Math.min(LONGEST_WAIT, 2 ** (this.failures - 1)));
      this.timer = setTimeout(() => this.begin(), error.seconds * 1000);
    } else if (this.again) this.soon();
    this.trouble(error);
  }
}
