import { describe, expect, it } from "vitest";
import { GATEWAYS } from "#server/contracts/payments.ts";
import { createWebhooks } from "#server/domain/payments/webhooks/gateways.ts";
import { FIXTURES } from "./testing/all.ts";
import { casesOf, faultOf, NOTHING_CONFIGURED, noSigningKeys, verifierOf } from "./testing/suite.ts";

describe("createWebhooks", () => {
  it("has every gateway of the contract, and no other", () => {
    expect(Object.keys(createWebhooks(NOTHING_CONFIGURED, noSigningKeys)).sort()).toEqual([...GATEWAYS].sort());
  });
});

describe.each(Object.values(FIXTURES))("$gateway's deliveries", (fixture) => {
  const webhooks = createWebhooks(fixture.config, fixture.signingKeys)[fixture.gateway];

  it.each(casesOf(fixture))("$name is $expected", async (one) => {
    expect(await faultOf(fixture, one, verifierOf(fixture))).toBeNull();
  });

  it("reads an unknown event as `unknown`, with no amount to act on", async () => {
    const verdict = await webhooks.verify(fixture.unknownKind);
    if (!verdict.ok || verdict.result !== "event") throw new Error("not verified");
    expect(webhooks.parse(verdict)).toMatchObject({
      gateway: fixture.gateway,
      kind: "unknown",
      eventKey: verdict.eventKey,
    });
  });

  it("reads a stored event as it read the fresh one", async () => {
    const verdict = await webhooks.verify(fixture.valid);
    if (!verdict.ok || verdict.result !== "event") throw new Error("not verified");
    expect(webhooks.parse(JSON.parse(JSON.stringify(verdict)))).toEqual(webhooks.parse(verdict));
  });
});
