import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { backoffDelayMs, JitteredEventSource } from "./jittered-event-source.ts";

/** The browser's EventSource, driven by hand. */
class FakeEventSource extends EventTarget {
  static opened: FakeEventSource[] = [];
  closed = false;
  readonly url: string;
  constructor(url: string) {
    super();
    this.url = url;
    FakeEventSource.opened.push(this);
  }
  close() {
    this.closed = true;
  }
}

const latest = () => {
  const source = FakeEventSource.opened.at(-1);
  if (!source) throw new Error("nothing was opened");
  return source;
};

beforeEach(() => {
  FakeEventSource.opened = [];
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", FakeEventSource);
  vi.stubGlobal("window", { location: { href: "http://console.test/" } });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("the delay grows, keeps a quarter of itself, and has a ceiling", () => {
  expect(backoffDelayMs(0, 0)).toBe(125);
  expect(backoffDelayMs(0, 1)).toBe(500);
  expect(backoffDelayMs(3, 1)).toBe(4000);
  expect(backoffDelayMs(40, 1)).toBe(20_000);
});

test("a lost stream is reported as connecting, and reopened from the last event", () => {
  const source = new JitteredEventSource("/api/trpc/map.live");
  const messages: string[] = [];
  const errors: number[] = [];
  source.addEventListener("message", (event: MessageEvent) => messages.push(event.data));
  source.addEventListener("error", () => errors.push(source.readyState));

  latest().dispatchEvent(new Event("open"));
  latest().dispatchEvent(new MessageEvent("message", { data: "one", lastEventId: "42" }));
  const first = latest();
  first.dispatchEvent(new Event("error"));
  expect(first.closed).toBe(true);
  expect(errors).toEqual([source.CONNECTING]);

  vi.advanceTimersByTime(500);
  expect(FakeEventSource.opened).toHaveLength(2);
  expect(latest().url).toBe("http://console.test/api/trpc/map.live?lastEventId=42");
  latest().dispatchEvent(new MessageEvent("message", { data: "two" }));
  expect(messages).toEqual(["one", "two"]);
  source.close();
});

test("a closed stream stays closed", () => {
  const source = new JitteredEventSource("/api/trpc/trips.feed");
  latest().dispatchEvent(new Event("error"));
  source.close();
  vi.advanceTimersByTime(60_000);
  expect(FakeEventSource.opened).toHaveLength(1);
});
