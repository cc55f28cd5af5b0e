"use client";

import { reportClosed, reportConnecting, reportLost, reportOpen } from "./live-connection.ts";

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 20_000;

type Listener = (event: never) => void;

/** Full jitter: any moment up to the cap, so that a fleet of consoles does not come back as one wave. */
export function backoffDelayMs(attempt: number, random: number): number {
  const cap = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  return Math.round(cap / 4 + random * cap * 0.75);
}

/**
 * An EventSource that reopens itself after a jittered, growing delay, whatever ended it. The browser's own retries
 * after a fixed pause, and gives up for good on the first answer that is not 200: a rolling deploy would leave every
 * console dead. It tells `live-connection` what happens, which feeds the banner.
 */
export class JitteredEventSource {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 2;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSED = 2;

  readyState = 0;
  #url: string;
  #init: EventSourceInit | undefined;
  #source: EventSource | null = null;
  #listeners: { type: string; listener: Listener }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #lastEventId = "";

  constructor(url: string, init?: EventSourceInit) {
    this.#url = url;
    this.#init = init;
    this.#open();
  }

  addEventListener(type: string, listener: Listener) {
    this.#listeners.push({ type, listener });
    if (type !== "error") this.#source?.addEventListener(type, listener as unknown as EventListener);
  }

  removeEventListener(type: string, listener: Listener) {
    this.#listeners = this.#listeners.filter((entry) => entry.type !== type || entry.listener !== listener);
    this.#source?.removeEventListener(type, listener as unknown as EventListener);
  }

  close() {
    this.readyState = this.CLOSED;
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
    reportClosed(this);
  }

  #retryNow = () => {
    if (this.readyState !== this.CONNECTING) return;
    clearTimeout(this.#timer);
    // An attempt may hang where the network is silent.
    this.#source?.close();
    this.#open();
  };

  #open() {
    this.readyState = this.CONNECTING;
    reportConnecting(this, this.#retryNow);
    const source = new EventSource(this.#resumableUrl(), this.#init);
    this.#source = source;
    source.addEventListener("open", () => {
      this.readyState = this.OPEN;
      this.#attempt = 0;
      reportOpen(this, this.#retryNow);
    });
    source.addEventListener("message", (event: MessageEvent) => {
      if (event.lastEventId) this.#lastEventId = event.lastEventId;
    });
    source.addEventListener("error", (event) => this.#lost(event));
    for (const { type, listener } of this.#listeners) {
      if (type !== "error") source.addEventListener(type, listener as unknown as EventListener);
    }
  }

  #lost(event: Event) {
    if (this.readyState === this.CLOSED) return;
    this.#source?.close();
    this.#source = null;
    this.readyState = this.CONNECTING;
    const delay = backoffDelayMs(this.#attempt, Math.random());
    this.#attempt += 1;
    reportLost(this, Date.now() + delay, this.#attempt, this.#retryNow);
    this.#timer = setTimeout(() => this.#open(), delay);
    for (const { type, listener } of this.#listeners) if (type === "error") listener(event as never);
  }

  /** A new EventSource sends no Last-Event-ID header; tRPC reads the query parameter too. */
  #resumableUrl(): string {
    if (!this.#lastEventId) return this.#url;
    const url = new URL(this.#url, window.location.href);
    url.searchParams.set("lastEventId", this.#lastEventId);
    return url.toString();
  }
}
