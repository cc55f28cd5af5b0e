/**
 * `npm run webhook:send -- [--trip ID] [--type payment_intent.succeeded] [--amount 4150] [--currency egp] [--id evt_1] [--forge]`:
 * a signed test event of the sandbox gateway, sent to the running platform. The same `--id` again is a duplicate; `--forge`
 * signs with another secret.
 */
import { createHmac, randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { findTarget } from "#scripts/services/running.ts";
import { describeFailure } from "#scripts/services/startup-error.ts";
import { loadConfig } from "#server/config/env.ts";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      trip: { type: "string" },
      type: { type: "string", default: "payment_intent.succeeded" },
      amount: { type: "string", default: "4150" },
      currency: { type: "string", default: "egp" },
      id: { type: "string", default: `evt_${randomUUID()}` },
      forge: { type: "boolean", default: false },
    },
  });
  const target = findTarget();
  const config = loadConfig({
    ...process.env,
    SMARTLINE_DEMO: "1",
    HOST: "127.0.0.1",
    DATABASE_URL: target.databaseUrl,
    AUTH_SECRET: target.authSecret,
  });
  const secret = values.forge ? "whsec_forged" : (config.webhooks.sandbox?.split(",")[0] ?? "");
  const amount = Number(values.amount);
  const created = Math.floor(Date.now() / 1000);
  const object = {
    id: `pi_${values.id}`,
    amount,
    amount_received: amount,
    amount_capturable: amount,
    currency: values.currency,
    metadata: values.trip === undefined ? {} : { trip_id: values.trip },
  };
  const body = JSON.stringify({ id: values.id, object: "event", type: values.type, created, data: { object } });
  const signature = createHmac("sha256", secret).update(`${created}.${body}`).digest("hex");
  const response = await fetch(new URL("/api/webhooks/sandbox", target.baseUrl), {
    method: "POST",
    headers: { "content-type": "application/json", "stripe-signature": `t=${created},v1=${signature}` },
    body,
  });
  console.log(`${values.id}: ${response.status} ${await response.text()}`);
  if (!response.ok) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(describeFailure(error));
  process.exitCode = 2;
});
