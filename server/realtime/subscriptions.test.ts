import { expect, test } from "vitest";
import { type BusMessage, channels } from "#server/contracts/realtime.ts";
import { type EventBus, LocalBus } from "#server/platform/bus.ts";
import { systemClock } from "#server/platform/clock.ts";
import type { DriverPositions } from "#server/realtime/driver-positions.ts";
import { Subscriptions } from "#server/realtime/subscriptions.ts";

const CHANNEL = channels.offers("a driver");

/** A bus on which an event comes while the history is on its way to who asked for it. */
function busWithEventDuringRead(): EventBus {
  const local = new LocalBus(systemClock);
  return {
    publish: (channel, event, data) => local.publish(channel, event, data),
    subscribe: (channel, handler) => local.subscribe(channel, handler),
    async recover(channel, from) {
      const recovery = await local.recover(channel, from);
      if (from !== null) local.publish(channel, "count", 4);
      return recovery;
    },
    close: () => local.close(),
  };
}

/** Three events, of which the app has seen the first. */
async function started(bus: EventBus) {
  const { epoch } = await bus.recover(CHANNEL, null);
  for (let n = 1; n <= 3; n++) bus.publish(CHANNEL, "count", n);
  return { epoch, offset: 1 };
}

test("an event that comes while the missed ones are read is told once, after them", async () => {
  const bus = busWithEventDuringRead();
  const told: BusMessage[] = [];
  const subscriptions = new Subscriptions({
    bus,
    positions: {} as DriverPositions,
    tell: (_, message) => told.push(message),
  });
  const from = await started(bus);
  const answers: object[] = [];
  await subscriptions.join(CHANNEL, from, {
    isWanted: () => true,
    answer: (standing) => {
      expect(told, "the answer comes first").toEqual([]);
      answers.push(standing);
    },
  });
  bus.publish(CHANNEL, "count", 5);
  expect(answers).toEqual([{ ...from, recovered: true }]);
  expect(told.map(({ data }) => data)).toEqual([2, 3, 4, 5]);
  expect(told.map(({ offset }) => offset)).toEqual([2, 3, 4, 5]);
});

test("mutation: read first and subscribed after, it is lost; told at once, it comes before what it follows", async () => {
  const late = busWithEventDuringRead();
  const lost: unknown[] = [];
  const { missed } = await late.recover(CHANNEL, await started(late));
  late.subscribe(CHANNEL, ({ data }) => lost.push(data));
  lost.push(...missed.map(({ data }) => data));
  expect(lost).toEqual([2, 3]);

  const unheld = busWithEventDuringRead();
  const mixed: unknown[] = [];
  const from = await started(unheld);
  unheld.subscribe(CHANNEL, ({ data }) => mixed.push(data));
  mixed.push(...(await unheld.recover(CHANNEL, from)).missed.map(({ data }) => data));
  expect(mixed).toEqual([4, 2, 3]);
});
