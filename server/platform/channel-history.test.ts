import { expect, test } from "vitest";
import { HISTORY_MESSAGES, HISTORY_MS, MemoryHistory } from "#server/platform/channel-history.ts";

const message = (n: number) => ({ event: "count", data: n, at: "2026-11-26T20:00:00.000Z" });
function begin() {
  const clock = { now: 0 };
  return { clock, history: new MemoryHistory(() => clock.now) };
}
const missedSince = (history: MemoryHistory, place: { readonly epoch: string; readonly offset: number }) =>
  history.since("a", place).missed?.map(({ data }) => data) ?? null;

test("what came after a place is known while no more came than is kept", () => {
  const { history } = begin();
  const start = history.since("a", null);
  for (let n = 1; n <= HISTORY_MESSAGES; n++) history.add("a", message(n));
  expect(missedSince(history, start)).toHaveLength(HISTORY_MESSAGES);
  history.add("a", message(0));
  expect(missedSince(history, start)).toBeNull();
  expect(missedSince(history, { ...start, offset: 1 })?.slice(0, 2)).toEqual([2, 3]);
});

test("a channel silent for ten minutes begins anew under another epoch; one that was not goes on", () => {
  const { clock, history } = begin();
  const [quiet, busy] = [history.since("a", null), history.since("b", null)];
  clock.now = HISTORY_MS - 1;
  history.add("b", message(1));
  clock.now = HISTORY_MS;
  history.add("b", message(2));
  const again = history.since("a", quiet);
  expect(again).toMatchObject({ offset: 0, missed: null });
  expect(again.epoch).not.toBe(quiet.epoch);
  expect(history.since("b", busy).missed).toHaveLength(2);
});

test("places that were never given are none", () => {
  const { history } = begin();
  const { epoch } = history.since("a", null);
  history.add("a", message(1));
  for (const offset of [2, Number.MAX_SAFE_INTEGER]) expect(missedSince(history, { epoch, offset })).toBeNull();
  expect(missedSince(history, { epoch: "another", offset: 0 })).toBeNull();
});
