import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Turns } from "#server/platform/turns.ts";

/** How many of five, who wake together, work before something else that waits has its turn. */
async function mostInARow(wait: () => Promise<void>): Promise<number> {
  let [most, row, working] = [0, 0, 5];
  const other = (async () => {
    while (working > 0) {
      await new Promise((resolve) => setTimeout(resolve));
      row = 0;
    }
  })();
  const work = async () => {
    await wait();
    // Longer than the other's timer takes to be due.
    for (const end = performance.now() + 5; performance.now() < end; );
    most = Math.max(most, ++row);
    working--;
  };
  await Promise.all([other, ...Array.from({ length: 5 }, work)]);
  return most;
}

test("those who wake together work in different turns of the loop", async () => {
  const turns = new Turns();
  expect(await mostInARow(() => turns.next())).toBe(1);
});

test("mutation: with setImmediate alone they work in a row", async () => {
  expect(await mostInARow(() => turn())).toBe(5);
});
