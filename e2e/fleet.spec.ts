import { expect, type Page, test } from "@playwright/test";
import pg from "pg";
import { seedScenario } from "#prisma/seed/seed.ts";
import { app, DESTINATION, PICKUP, services, signIn } from "./people.ts";

/** Far from the other journeys' riders: nobody here is ever offered a trip. */
const CROWD = { lng: 31.2, lat: 29.86 } as const;
/** In the middle of a cell of the clusters' grid, whichever zoom the map has. */
const THREE = { lng: 31.52, lat: 29.96 } as const;
const CROWD_SIZE = 2100;
/** The console hears of drivers that were put into the database directly within 15 s. */
const CAUGHT_UP = { timeout: 30_000 };

async function withDatabase<T>(use: (database: pg.Client) => Promise<T>): Promise<T> {
  const database = new pg.Client({ connectionString: services().databaseUrl });
  await database.connect();
  try {
    return await use(database);
  } finally {
    await database.end();
  }
}

function square({ lng, lat }: { lng: number; lat: number }, size: number) {
  const [west, east, south, north] = [lng - size, lng + size, lat - size, lat + size];
  return [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ] as [number, number][];
}

test.describe("more drivers than can be shown singly", () => {
  test.beforeAll(async () => {
    const crowd = {
      type: "Feature" as const,
      properties: { name: "Crowd", code: "crowd" },
      geometry: { type: "Polygon" as const, coordinates: [square(CROWD, 0.02)] },
    };
    await seedScenario({
      ...{ databaseUrl: services().databaseUrl, scenario: "load", drivers: CROWD_SIZE },
      zones: { type: "FeatureCollection", features: [crowd] },
    });
  });
  test.afterAll(() =>
    withDatabase((database) =>
      database.query(
        `UPDATE driver_details SET is_online = false, availability_status = 'unavailable'
         WHERE user_id IN (SELECT id FROM users WHERE phone LIKE '+2012%')`,
      ),
    ),
  );

  test("a cluster says who is in it, opens into single drivers, and one of them opens their card", async ({
    page,
    request,
  }) => {
    test.slow();
    for (const [n, lng] of [THREE.lng - 0.002, THREE.lng, THREE.lng + 0.002].entries()) {
      const driver = await app(request, `+2010${String(31 + n).padStart(7, "0")}`);
      await driver("POST", "/api/v1/drivers/me/availability", { online: true });
      await driver("POST", "/api/v1/location", { lat: THREE.lat, lng, speed: 0 }, 202);
    }
    await signIn(page, "dispatcher@smartline.test");
    await page.goto("/map");
    await page.getByRole("button", { name: "Zoom out" }).click();
    const map = page.getByRole("region", { name: "Drivers, trips and zones" });
    const clusters = page.getByRole("group", { name: "Drivers by place" });
    await expect(
      clusters.getByRole("button", { name: /^\d{3,} drivers: .*\d+ (available|stale)/ }).first(),
    ).toBeVisible(CAUGHT_UP);

    // Tab comes to the largest that is in view, also when a larger one has just left it.
    const tabStop = clusters.locator("button[tabindex='0']");
    await expect(tabStop).toHaveAccessibleName(/^\d{3,} drivers: /);
    await expect(async () => {
      await map.locator("canvas").first().press("ArrowUp");
      await expect(tabStop).not.toHaveAccessibleName(/^\d{3,} drivers: /, { timeout: 1000 });
    }).toPass({ timeout: 60_000 });
    await expect(tabStop).toBeVisible();

    const three = clusters.getByRole("button", { name: /^3 drivers: / });
    await expect(three).toBeVisible(CAUGHT_UP);
    await three.hover();
    await expect(page.getByRole("tooltip")).toContainText("3 drivers");
    await three.press("Enter");
    // The crowd is out of view now: who is left is drawn singly, the middle one of the three in the middle.
    await expect(clusters).toHaveCount(0);
    await expect(page.getByText("Live · updated")).toBeVisible();
    await expect(async () => {
      await map.locator("canvas").first().click();
      await expect(page.getByRole("complementary", { name: "Selected on the map" })).toBeVisible({ timeout: 2000 });
    }).toPass();
    const card = page.getByRole("complementary", { name: "Selected on the map" });
    await expect(card).toContainText("DEM 0032");
    await expect(card.getByRole("link", { name: "Replay the last hour" })).toBeVisible();
    await expect(page).toHaveURL(/driver=/);
  });
});

test("a browser that cannot draw says so, and the list still tells who is where", async ({ page }) => {
  await page.addInitScript(() => {
    HTMLCanvasElement.prototype.getContext = () => null;
  });
  await signIn(page, "dispatcher@smartline.test");
  await page.goto("/map");
  const map = page.getByRole("region", { name: "Drivers, trips and zones" });
  await expect(map.getByRole("status")).toContainText("This browser cannot draw the map.");
  await expect(map.locator("canvas")).toHaveCount(0);
  await page.goto("/map?view=list");
  await expect(page.getByRole("table").first()).toBeVisible();
});

/** The moment shown, epoch milliseconds: the slider's own value is in whole seconds. */
async function value(page: Page): Promise<number> {
  const text = await page.getByRole("slider", { name: "Time" }).getAttribute("aria-valuetext");
  return Date.parse(text?.replace(" UTC", "Z").replace(" ", "T") ?? "");
}

test("an hour of a driver is replayed: played, jumped to what happened, and found again by its address", async ({
  page,
  request,
}) => {
  test.slow();
  const driver = await app(request, "+20100000041");
  const rider = await app(request, "+20110000041");
  await driver("POST", "/api/v1/drivers/me/availability", { online: true });
  const drive = (lat: number) =>
    expect(async () => {
      const place = { lat, lng: PICKUP.lng, speed: 8 };
      expect(await driver("POST", "/api/v1/location", place, 202)).toMatchObject({ accepted: true });
    }).toPass();
  await drive(30.044);
  // What they drove before, and then a time without a signal.
  const id = await withDatabase(async (database) => {
    const { rows } = await database.query<{ id: string }>(
      `INSERT INTO location_history (user_id, location, heading, speed, recorded_at)
       SELECT u.id, point(31.22 + n * 0.0005, 30.04), 90, 8, now() - interval '20 minutes' + n * interval '10 seconds'
       FROM users u, generate_series(0, 20) n WHERE u.phone = '+20100000041' RETURNING user_id AS id`,
    );
    return rows[0]?.id ?? "";
  });
  const trip = await rider(
    "POST",
    "/api/v1/trips",
    { pickup: PICKUP, destination: DESTINATION, vehicleCategory: "economy", paymentMethod: "cash" },
    201,
  );
  await expect(async () => {
    const { items } = await driver("GET", "/api/v1/rides/pending");
    expect((items as { tripId: string }[]).map((offer) => offer.tripId)).toContain(trip.id);
  }).toPass();
  await driver("POST", `/api/v1/trips/${trip.id}/accept`, {});
  await driver("POST", `/api/v1/trips/${trip.id}/arrive`, {});
  const { otp } = await rider("GET", `/api/v1/trips/${trip.id}`);
  await driver("POST", `/api/v1/trips/${trip.id}/start`, { otp });
  await driver("POST", `/api/v1/trips/${trip.id}/complete`, { distanceMeters: 2600 });
  await drive(30.05);
  // Positions are written in batches, every two seconds.
  await expect
    .poll(() =>
      withDatabase(async (database) => {
        const { rows } = await database.query<{ lat: number }>(
          "SELECT location[1] AS lat FROM location_history WHERE user_id = $1 ORDER BY recorded_at DESC LIMIT 1",
          [id],
        );
        return rows[0]?.lat;
      }),
    )
    .toBe(30.05);

  await signIn(page, "dispatcher@smartline.test");
  await page.goto(`/map?view=list&driver=${id}`);
  await page.getByRole("link", { name: "Replay the last hour" }).click();
  await expect(page).toHaveURL(/\/map\/replay/);
  await expect(page.getByRole("heading", { name: /^Replay of / })).toBeVisible();
  const began = await value(page);
  await expect(page.getByText("30.0400, 31.2200")).toBeVisible();
  await expect(page.getByText("No signal once")).toBeVisible();
  await expect(page.getByRole("region", { name: /^The way of / }).locator("canvas")).toBeVisible();

  await page.getByRole("button", { name: "Play" }).click();
  await expect.poll(() => value(page)).toBeGreaterThan(began + 5000);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByRole("button", { name: "Play" })).toBeVisible();

  // Space is the button's own where a button has the focus, and the player's elsewhere.
  await page.getByRole("radio", { name: "60 ×" }).press("Space");
  await expect(page).toHaveURL(/speed=60/);
  await expect(page.getByRole("button", { name: "Play" })).toBeVisible();
  await page
    .getByRole("region", { name: /^The way of / })
    .locator("canvas")
    .press("Space");
  await expect(page.getByRole("button", { name: "Pause" })).toBeVisible();
  await page.getByRole("button", { name: "Pause" }).click();

  const happened = page.getByRole("list", { name: "What happened" });
  await expect(happened.getByRole("listitem")).toHaveText([
    /^Requested/,
    /^Accepted/,
    /^Arrived at the pickup/,
    /^Ride started/,
    /^Ended/,
    "No signal once",
  ]);
  // All within seconds: the last of the ticks lies on top.
  await page.getByRole("button", { name: /^To ended, trip / }).click();
  await expect.poll(() => value(page)).toBeGreaterThan(began + 10 * 60_000);
  const ended = await value(page);
  await happened.getByRole("button", { name: "Accepted" }).click();
  await expect.poll(() => value(page)).toBeLessThan(ended);
  await happened.getByRole("button", { name: "Ended" }).click();
  await expect.poll(() => value(page)).toBe(ended);
  await page.getByRole("slider", { name: "Time" }).press("ArrowLeft");
  await expect.poll(() => value(page)).toBe(ended - 10_000);

  const at = new RegExp(`at=${new Date(ended - 10_000).toISOString().slice(0, 19)}`.replaceAll(":", "(:|%3A)"));
  await expect(page).toHaveURL(at);
  await page.reload();
  await expect.poll(() => value(page)).toBe(ended - 10_000);
  await driver("POST", "/api/v1/drivers/me/availability", { online: false });
});
