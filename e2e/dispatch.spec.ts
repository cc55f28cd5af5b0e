import { type APIRequestContext, expect, type Page, test } from "@playwright/test";

const PASSWORD = "smartline-demo";
/** Downtown: the demo's zones cover it. */
const PICKUP = { lat: 30.0444, lng: 31.2357, address: "Tahrir Square" };
const DESTINATION = { lat: 30.0626, lng: 31.2497, address: "Ramses Station" };

/** An app's session: REST calls with its token. */
async function app(request: APIRequestContext, phone: string) {
  const login = await request.post("/api/v1/auth/login", { data: { phone, password: PASSWORD } });
  expect(login.status()).toBe(200);
  const { accessToken } = (await login.json()) as { accessToken: string };
  let calls = 0;
  return async (method: "GET" | "POST", path: string, data?: object, expected = 200) => {
    const headers = { Authorization: `Bearer ${accessToken}`, "Idempotency-Key": `${phone}-${Date.now()}-${calls++}` };
    const answer = await request.fetch(path, { method, headers, ...(data === undefined ? {} : { data }) });
    expect(answer.status(), `${method} ${path}: ${await answer.text()}`).toBe(expected);
    return (await answer.json()) as Record<string, unknown>;
  };
}

async function signIn(page: Page, email: string): Promise<void> {
  await page.goto("/");
  await expect(page).toHaveURL(/\/sign-in/);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(/\/map/);
}

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
