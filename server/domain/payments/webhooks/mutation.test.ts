import { describe, expect, it, vi } from "vitest";
import { FIXTURES } from "./testing/all.ts";
import { faultsOf, type Verify, verifierOf } from "./testing/suite.ts";

// The mutation: every comparison of a signature, in every verifier, says yes.
vi.mock("node:crypto", async (importOriginal) => ({
  ...(await importOriginal<typeof import("node:crypto")>()),
  timingSafeEqual: () => true,
  verify: () => true,
}));

const saysYes: Verify = async () => ({ ok: true, result: "event", eventKey: "same", payload: {} });

describe.each(Object.values(FIXTURES))("the suite against a broken $gateway", (fixture) => {
  it("catches a verifier whose comparison is gone", async () => {
    const faults = await faultsOf(fixture, verifierOf(fixture));
    expect(faults).toEqual(expect.arrayContaining(["a forged signature", "a wrong secret"]));
  });
  it("catches one that always says yes", async () => {
    const faults = await faultsOf(fixture, saysYes);
    expect(faults).toEqual(expect.arrayContaining(["another event", "a forged signature", "no secret configured"]));
  });
});
