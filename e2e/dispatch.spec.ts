import { expect, test } from "@playwright/test";
import { app, DESTINATION, PICKUP, signIn } from "./people.ts";

test("a dispatcher signs in, sees a driver move, and watches a requested trip being assigned", async ({
  page,
  request,
}) => {
  const driver = await app(request, "+20100000001");
  const rider = await app(request, "+20110000001");
  await driver("POST", "/api/v1/drivers/me/availability", { online: true });
  await driver("POST", "/api/v1/location", { lat: 30.047, lng: 31.238, heading: 45, speed: 8 }, 202);

  await signIn(page, "dispatcher@smartline.test");
  await page.goto("/map?view=list");
  const fleet = page.getByRole("table", { name: /drivers/i });
  const row = fleet.getByRole("row").filter({ hasText: "DEM 0001" });
  await expect(row).toContainText("30.0470");

  // Positions faster than every 3 s are dropped: ask until one is taken.
  await expect(async () => {
    const { accepted } = await driver(
      "POST",
      "/api/v1/location",
      { lat: 30.0455, lng: 31.2365, heading: 225, speed: 8 },
      202,
    );
    expect(accepted).toBe(true);
  }).toPass();
  await expect(row).toContainText("30.0455");

  const trip = await rider(
    "POST",
    "/api/v1/trips",
    { pickup: PICKUP, destination: DESTINATION, vehicleCategory: "economy", paymentMethod: "cash" },
    201,
  );
  await page.goto(`/trips/${trip.id}`);
  await expect(page.getByRole("heading", { name: new RegExp(String(trip.refId)) })).toBeVisible();
  await expect(page.getByText(/Offered to/).first()).toBeVisible();

  await expect(async () => {
    const { items } = await driver("GET", "/api/v1/rides/pending");
    expect((items as { tripId: string }[]).map((offer) => offer.tripId)).toContain(trip.id);
  }).toPass();
  await driver("POST", `/api/v1/trips/${trip.id}/accept`, {});

  // Nobody reloads the page: the news comes by itself.
  await expect(page.getByText(/accepted and won/).first()).toBeVisible();
  await expect(page.getByText(/Code sent by SMS/).first()).toBeVisible();

  const { otp } = await rider("GET", `/api/v1/trips/${trip.id}`);
  await driver("POST", `/api/v1/trips/${trip.id}/arrive`, {});
  await driver("POST", `/api/v1/trips/${trip.id}/start`, { otp });
  await driver("POST", `/api/v1/trips/${trip.id}/complete`, { distanceMeters: 2600 });
  await expect(page.getByText(/Trip completed/).first()).toBeVisible();
});

test("who is not signed in sees nothing of the console", async ({ page, request }) => {
  for (const path of ["/map", "/trips", "/ops/locks", "/ops/jobs"]) {
    await page.goto(path);
    await expect(page).toHaveURL(/\/sign-in/);
  }
  expect((await request.get("/api/trpc/trips.list")).status()).toBe(401);
});
