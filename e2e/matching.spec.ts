import { expect, test } from "@playwright/test";
import { app, DESTINATION, PICKUP, signIn } from "./people.ts";

const RIDE = { pickup: PICKUP, destination: DESTINATION, vehicleCategory: "economy", paymentMethod: "cash" };

test("a dispatcher asks why a driver was not offered a trip, and gives it to them by hand", async ({
  page,
  request,
}) => {
  const [chosen, other] = [await app(request, "+20100000003"), await app(request, "+20100000004")];
  const rider = await app(request, "+20110000004");
  await chosen("POST", "/api/v1/drivers/me/availability", { online: true });
  // 9 km away: further than any batch reaches.
  await chosen("POST", "/api/v1/location", { lat: 30.1252, lng: 31.2357 }, 202);
  await other("POST", "/api/v1/drivers/me/availability", { online: false });
  const trip = await rider("POST", "/api/v1/trips", RIDE, 201);

  await signIn(page, "dispatcher@smartline.test");
  await page.goto(`/trips/${trip.id}`);
  const search = page.getByRole("region", { name: /^Search/ });
  await expect(search.getByText("2.0 km").or(search.getByText("5.0 km")).first()).toBeVisible();
  await search.getByLabel("Driver's name, phone or plate").fill("+20100000003");
  const found = search.getByRole("list", { name: "Matching drivers" }).getByRole("button").first();
  const name = ((await found.textContent()) ?? "").replace(/DEM \d+/, "").trim();
  await found.click();
  await expect(search.getByText(/9\.0 km away|Not among the nearest/)).toBeVisible();

  await page.getByRole("button", { name: "Assign to…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("searchbox").fill("+20100000003");
  const radio = dialog.getByRole("radio", { name: new RegExp(name) });
  await radio.check();
  await dialog.getByLabel("Reason").fill("the rider is known to this driver");
  await dialog.getByRole("button", { name: `Assign to ${name}` }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page.getByText(`Given to ${name} by hand`, { exact: true })).toBeVisible();
  await expect(page.getByRole("button", { name: "Reassign…" })).toBeVisible();

  // The other one is off line: it is said so, and they cannot be chosen.
  await page.getByRole("button", { name: "Reassign…" }).click();
  await dialog.getByRole("searchbox").fill("+20100000004");
  await expect(dialog.getByRole("radio")).toHaveCount(1);
  await expect(dialog.getByText(/off line/)).toBeVisible();
  await expect(dialog.getByRole("radio")).toBeDisabled();
  await page.keyboard.press("Escape");
  await rider("POST", `/api/v1/trips/${trip.id}/cancel`, { reason: "test" });
  await chosen("POST", "/api/v1/drivers/me/availability", { online: false });
});

test("an admin sets how a zone looks for drivers; a viewer is offered none of it", async ({ page, browser }) => {
  await signIn(page, "admin@smartline.test", { to: "/zones/matching" });
  await page.getByRole("row").filter({ hasText: "Shubra" }).click();
  const drawer = page.getByRole("dialog", { name: "Matching in Shubra" });
  await drawer.getByLabel("Drivers asked at once").fill("99");
  await expect(drawer.getByRole("button", { name: "Save matching" })).toBeDisabled();
  await drawer.getByLabel("Drivers asked at once").fill("3");
  await drawer.getByLabel("Bidding").selectOption("On");
  await drawer.getByRole("button", { name: "Save matching" }).click();
  const asked = page.getByRole("dialog", { name: /Change how Shubra/ });
  await expect(asked.getByText("Drivers asked at once: default (5) →")).toBeVisible();
  await asked.getByLabel("Reason").fill("few drivers live there");
  await asked.getByRole("button", { name: "Save matching" }).click();
  const row = page.getByRole("row").filter({ hasText: "Shubra" });
  await expect(row).toContainText("by Admin Demo");
  await expect(row).toContainText("On");

  const context = await browser.newContext();
  const viewer = await context.newPage();
  await signIn(viewer, "viewer@smartline.test");
  await expect(viewer.getByRole("link", { name: "Matching" })).toHaveCount(0);
  const answer = await viewer.request.get("/api/trpc/matching.zones");
  expect(answer.status()).toBe(403);
  await context.close();
});
