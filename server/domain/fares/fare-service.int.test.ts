import { afterEach, beforeEach, expect, test } from "vitest";
import type { TariffInput } from "#server/contracts/fares.ts";
import { newId } from "#server/contracts/ids.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

const TOWN = "0199aaaa-0000-7000-8000-000000000001";
const RIDE = { pickup: { lat: 30.05, lng: 31.24 }, destination: { lat: 30.06, lng: 31.25 }, stops: [] };
/** The distance and the time cost nothing, so that the base fare is the fare. */
const flat = (baseFare: number): TariffInput => ({ baseFare, farePerKm: 0, farePerMin: 0, minimumFare: 0 });

let t: TestApp;
let economy: string;
let recorded: object[];
const record: Recorder = async (_, subject, what) => void recorded.push({ ...subject, ...what });
beforeEach(async () => {
  t = await createTestApp({ coordination: "standalone" });
  recorded = [];
  const [category] = await t.rows<{ id: string }>("SELECT id FROM vehicle_categories WHERE code = 'economy'");
  economy = category?.id ?? "";
});
afterEach(() => t.dispose());

const set = (tariff: TariffInput | null, more: { zoneId?: string | null; expectedVersion?: number } = {}) =>
  t.app.fares.set({ name: "Olga" }, { zoneId: TOWN, categoryId: economy, tariff, expectedVersion: 0, ...more }, record);
const quoted = async () => {
  const { options } = await t.app.fares.estimate(await t.make.customer(), RIDE);
  return options.find(({ vehicleCategory }) => vehicleCategory === "economy")?.estimatedFare.amount;
};
const versionOf = async (zoneId: string | null) => {
  const row = (await t.app.fares.view()).rows.find((one) => one.zoneId === zoneId);
  return row?.fares.find(({ categoryId }) => categoryId === economy)?.own?.version ?? 0;
};

test("a zone's own fare goes before the general one, until it is taken away", async () => {
  const general = await quoted();
  await set(flat(7777));
  expect(await quoted()).toBe(7777);
  await set(flat(8888), { expectedVersion: await versionOf(TOWN) });
  expect(await quoted()).toBe(8888);
  await set(null, { expectedVersion: await versionOf(TOWN) });
  expect(await quoted()).toBe(general);
  expect(recorded).toMatchObject([
    { type: "fare", id: `${TOWN}:economy`, before: null, after: { baseFare: 7777 } },
    { before: { baseFare: 7777 }, after: { baseFare: 8888 } },
    { before: { baseFare: 8888 }, after: null },
  ]);
});

test("the general fare changes where a zone has none of its own, and cannot be taken away", async () => {
  const expectedVersion = await versionOf(null);
  await set(flat(6666), { zoneId: null, expectedVersion });
  expect(await quoted()).toBe(6666);
  await expect(set(null, { zoneId: null, expectedVersion: await versionOf(null) })).rejects.toMatchObject({
    code: "VALIDATION_FAILED",
  });
  expect(await quoted()).toBe(6666);
});

test("two at once who saw the same fare: one is done, one is told", async () => {
  const both = await Promise.allSettled([set(flat(1000)), set(flat(2000))]);
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(both.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "VERSION_CONFLICT" } });
  expect(recorded).toHaveLength(1);
});

test("who has not seen the last change, and who means no zone of ours, change nothing", async () => {
  await set(flat(1000));
  await expect(set(flat(2000))).rejects.toMatchObject({ code: "VERSION_CONFLICT" });
  await expect(set(flat(2000), { zoneId: newId() })).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(await quoted()).toBe(1000);
});

test("without its row in the audit log there is no change", async () => {
  const before = await quoted();
  const lost: Recorder = async () => {
    throw new Error("the log is full");
  };
  const change = { zoneId: TOWN, categoryId: economy, tariff: flat(1), expectedVersion: 0 };
  await expect(t.app.fares.set({ name: "Olga" }, change, lost)).rejects.toThrow("the log is full");
  expect(await quoted()).toBe(before);
});
