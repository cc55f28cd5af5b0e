import { expect, type Page, test } from "@playwright/test";
import { Redis } from "ioredis";
import pg from "pg";
import { newId } from "#server/contracts/ids.ts";
import { app, DESTINATION, PICKUP, services, signIn } from "./people.ts";

/** Fills in why, and presses the verb in the dialog. */
async function confirm(page: Page, verb: RegExp, reason: string): Promise<void> {
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").fill(reason);
  await dialog.getByRole("button", { name: verb }).click();
}

test("a lock whose holder died is seen as orphaned and released by hand", async ({ page, request }) => {
  const rider = await app(request, "+20110000002");
  const booking = { pickup: PICKUP, destination: DESTINATION, vehicleCategory: "comfort", paymentMethod: "cash" };
  const trip = await rider("POST", "/api/v1/trips", booking, 201);
  const redis = new Redis(services().redisUrl);
  const key = `trip:lock:${trip.id}`;
  // A UUIDv7 of a minute ago: what a process that was killed in mid-accept leaves behind.
  const minuteAgo = (Date.now() - 60_000).toString(16).padStart(12, "0");
  await redis.set(key, `${newId()}:${minuteAgo.slice(0, 8)}-${minuteAgo.slice(8)}-7000-8000-000000000000`, "EX", 240);

  await signIn(page, "dispatcher@smartline.test");
  await page.goto("/ops/locks");
  const row = page.getByRole("row").filter({ hasText: String(trip.refId) });
  await expect(row).toContainText("Orphaned");
  await row.getByRole("checkbox").check();
  await page.getByRole("button", { name: "Release lock" }).click();
  await confirm(page, /^Release/, "the accept died, see the log");
  await expect(page.getByText("Released").first()).toBeVisible();
  await expect.poll(() => redis.exists(key)).toBe(0);
  await redis.quit();

  const database = new pg.Client({ connectionString: services().databaseUrl });
  await database.connect();
  const { rows } = await database.query(
    "SELECT actor_name, reason FROM activity_logs WHERE action = 'lock.release' AND subject_id = $1",
    [trip.id],
  );
  await database.end();
  expect(rows).toEqual([{ actor_name: "Dispatcher Demo", reason: "the accept died, see the log" }]);
  await rider("POST", `/api/v1/trips/${trip.id}/cancel`, { reason: "test" });
});

test("failed jobs of one cause stand together and are discarded with a reason", async ({ page }) => {
  const database = new pg.Client({ connectionString: services().databaseUrl });
  await database.connect();
  // Payloads that no handler takes: given up at the first try.
  const ids = [newId(), newId()];
  for (const id of ids) {
    await database.query("INSERT INTO outbox (id, topic, payload) VALUES ($1, 'push-offer', '{}')", [id]);
  }
  await signIn(page, "dispatcher@smartline.test");
  await page.goto("/ops/jobs");
  const group = page.getByRole("listitem").filter({ hasText: "the payload is not one of push-offer" }).first();
  await expect(group).toBeVisible({ timeout: 20_000 });
  await expect(group.getByText("2", { exact: true })).toBeVisible({ timeout: 20_000 });
  await group.getByRole("button", { name: "Discard all" }).click();
  await confirm(page, /^Discard/, "made by a test");
  await expect(page.getByText("Discarded").first()).toBeVisible();
  await expect(page.getByText("the payload is not one of push-offer")).toHaveCount(0);
  const { rows } = await database.query(
    "SELECT count(failed_at)::int AS failed FROM outbox WHERE id = ANY($1::uuid[])",
    [ids],
  );
  expect(rows).toEqual([{ failed: 2 }]);
  await database.end();
});

test("a viewer looks, and is offered nothing to change", async ({ page, baseURL }) => {
  await signIn(page, "viewer@smartline.test");
  await page.goto("/ops/locks");
  await expect(page.getByRole("heading", { name: "Trip locks" })).toBeVisible();
  await expect(page.getByRole("button", { name: /Release/ })).toHaveCount(0);
  await page.goto("/ops/jobs");
  await expect(page.getByRole("button", { name: "Pause" })).toHaveCount(0);
  // The server refuses it too.
  const answer = await page.request.post("/api/trpc/jobs.pause", {
    data: { json: { queue: "low", reason: "not mine to pause" } },
    headers: { origin: new URL(baseURL ?? "").origin },
  });
  expect(answer.status()).toBe(403);
  expect(await answer.text()).toContain("it needs jobs.retry");
});
