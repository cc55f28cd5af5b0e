import { expect, test } from "@playwright/test";
import Stripe from "stripe";
import { app, DESTINATION, PICKUP, signIn } from "./people.ts";

/** The sandbox gateway's secret in the demo. */
const SECRET = "whsec_smartline_sandbox";

test("a gateway's event appears in the inbox by itself, beside its bytes, and is processed again by hand", async ({
  page,
  request,
}) => {
  const rider = await app(request, "+20110000003");
  const booking = { pickup: PICKUP, destination: DESTINATION, vehicleCategory: "comfort", paymentMethod: "card" };
  const trip = await rider("POST", "/api/v1/trips", booking, 201);
  const fare = trip.estimatedFare as { amount: number; currency: string };
  const deliver = async (id: string, amount: number) => {
    const object = { id: `pi_${id}`, amount_received: amount, currency: fare.currency, metadata: { trip_id: trip.id } };
    const created = Math.floor(Date.now() / 1000);
    const data = JSON.stringify({ id, type: "payment_intent.succeeded", created, data: { object } });
    const signature = Stripe.webhooks.generateTestHeaderString({ payload: data, secret: SECRET });
    const headers = { "stripe-signature": signature, "content-type": "application/json" };
    return (await request.post("/api/webhooks/sandbox", { headers, data })).json();
  };

  await signIn(page, "finance@smartline.test");
  await page.goto("/ops/webhooks?gateway=sandbox");
  await page.waitForLoadState("networkidle");
  expect(await deliver("evt_e2e_right", fare.amount)).toEqual({ status: "received" });
  expect(await deliver("evt_e2e_right", fare.amount)).toEqual({ status: "duplicate" });
  expect(await deliver("evt_e2e_wrong", fare.amount + 1)).toEqual({ status: "received" });
  const row = (id: string) => page.getByRole("row").filter({ hasText: `pi_${id}` });
  await expect(row("evt_e2e_right")).toContainText("Matched");
  await expect(row("evt_e2e_wrong")).toContainText("Other amount");

  await row("evt_e2e_wrong").click();
  const drawer = page.getByRole("dialog");
  await expect(drawer).toContainText("What the gateway wrote");
  await expect(drawer).toContainText('"type": "payment_intent.succeeded"');
  await drawer.getByRole("button", { name: "Process again" }).click();
  const reason = page.getByRole("dialog").filter({ hasText: "Process this event again?" });
  await reason.getByRole("textbox").fill("the fare was mended");
  await reason.getByRole("button", { name: "Process again" }).click();
  await expect(page.getByText("Queued").first()).toBeVisible();
  await rider("POST", `/api/v1/trips/${trip.id}/cancel`, { reason: "test" });

  await page.goto("/ops/idempotency");
  await page.getByRole("row").filter({ hasText: "rides.cancel" }).first().click();
  await expect(page.getByRole("dialog")).toContainText('"status": "cancelled"');
});
