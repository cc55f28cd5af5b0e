import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { liveConnection, reportClosed, reportConnecting, reportLost, reportOpen } from "./live-connection.ts";

const retry = () => {};
let stream: object;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  stream = {};
});

afterEach(() => {
  reportClosed(stream);
  vi.advanceTimersByTime(1000);
  vi.useRealTimers();
});

test("a lost stream stays lost while it tries again, and since when it was lost", () => {
  reportConnecting(stream, retry);
  reportOpen(stream, retry);
  vi.advanceTimersByTime(10_000);
  reportLost(stream, Date.now() + 300, 1, retry);
  vi.advanceTimersByTime(300);
  reportConnecting(stream, retry);
  expect(liveConnection()).toEqual({ state: "lost", lostSince: 1_010_000, nextAttemptAt: null, attempt: 1 });
  reportOpen(stream, retry);
  expect(liveConnection().state).toBe("open");
});

test("a silent network, where nothing is refused, counts as lost after 4 s", () => {
  reportConnecting(stream, retry);
  vi.advanceTimersByTime(3_900);
  expect(liveConnection().state).toBe("connecting");
  vi.advanceTimersByTime(200);
  expect(liveConnection()).toMatchObject({ state: "lost", lostSince: 1_000_000 });
});

test("reopening a silent stream does not hide that it has been lost for long", () => {
  reportConnecting(stream, retry);
  vi.advanceTimersByTime(15_000);
  reportClosed(stream);
  stream = {};
  reportConnecting(stream, retry);
  expect(liveConnection()).toMatchObject({ state: "lost", lostSince: 1_000_000 });
});

test("a new page's streams start without the last page's gap", () => {
  reportLost(stream, Date.now() + 20_000, 4, retry);
  reportClosed(stream);
  vi.advanceTimersByTime(600);
  stream = {};
  reportConnecting(stream, retry);
  expect(liveConnection().state).toBe("connecting");
});
