import { describe, expect, test } from "vitest";
import { seededRandom } from "#prisma/seed/places.ts";
import type { Answer, Call } from "./api-client.ts";
import { Driver } from "./driver.ts";
import { Driving } from "./driving.ts";
import { chessboardCity, FakePlatform, noAnswer, ok, refused, trip } from "./fixtures.ts";
import { Tally } from "./tally.ts";

const city = chessboardCity();
const SECOND = 1000;

/** What the server believes of the one trip there is. */
interface Server {
  live: ReturnType<typeof trip> | null;
  answers: Record<string, Answer>;
  /** Changes nothing by what it answers. */
  forgets?: boolean;
}

const AFTER: Readonly<Record<string, "accepted" | "arrived" | "ongoing">> = {
  accept: "accepted",
  arrive: "arrived",
  start: "ongoing",
};

function driverWith(seed: number, server: Server) {
  const platform = new FakePlatform(({ path, body }: Call) => {
    const last = path.split("?")[0]?.split("/").at(-1) ?? "";
    const told = server.answers[last];
    if (told !== undefined) return told;
    if (path.includes("?status=")) return ok({ items: server.live === null ? [] : [server.live] });
    if (last === "pending") return ok({ items: [] });
    if (last === "availability") {
      const { online } = body as { online: boolean };
      return ok({ online, availability: online ? "available" : "unavailable", releasedTripIds: [] });
    }
    const status = AFTER[last];
    if (status !== undefined && server.forgets !== true) server.live = trip({ status });
    if (last === "complete" || last === "cancel") server.live = null;
    if (last === "accept") return ok({ trip: trip({ status: "accepted" }), alreadyAccepted: false });
    return ok(trip());
  });
  const frames: object[] = [];
  const link = { ready: true, send: (frame: object) => frames.push(frame) > 0 };
  const random = seededRandom(seed);
  const car = new Driving({ city, random, pace: 4 });
  const driver = new Driver({
    send: platform.send,
    link,
    car,
    city,
    random,
    tally: new Tally(),
    startsAt: 0,
  });
  let now = 0;
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      now += SECOND;
      await driver.tick(now);
    }
  };
  const hear = (event: string, data: object) => driver.hear({ channel: "", event, data }, now);
  const offer = (id = "trip-1") => hear("offer.created", { tripId: id, trip: trip({ id }) });
  const count = (what: string) => platform.log.filter((line) => line === what).length;
  return { driver, platform, frames, link, pass, hear, offer, count };
}

type Setup = ReturnType<typeof driverWith>;

/** Drivers of different seeds answer differently: the first one that behaves as wanted after an offer. */
async function driverWho(wanted: (setup: Setup) => boolean, server: () => Server): Promise<Setup> {
  for (let seed = 1; seed < 200; seed++) {
    const setup = driverWith(seed, server());
    await setup.pass(4);
    setup.offer();
    await setup.pass(25);
    if (wanted(setup)) return setup;
  }
  throw new Error("no such driver among 200");
}

const calm = (): Server => ({ live: null, answers: {} });

describe("a driver", () => {
  test("goes on line, moves, and says where every 4 to 5 seconds", async () => {
    const { driver, frames, pass, count } = driverWith(5, calm());
    await pass(60);
    expect(driver.duty).toBe("free");
    expect(count("POST availability")).toBe(1);
    expect(frames.length).toBeGreaterThanOrEqual(11);
    expect(frames.length).toBeLessThanOrEqual(15);
    expect(new Set(frames.map((frame) => JSON.stringify(frame))).size).toBeGreaterThan(3);
  });

  test("takes a trip from the offer to its end, with the rider's code and the distance driven", async () => {
    city.codes.set("trip-1", "4321");
    const { driver, platform, pass, count } = await driverWho((d) => d.count("POST accept") === 1, calm);
    await pass(1500);
    const steps = platform.log.filter((line) => /accept|arrive|start|complete/.test(line));
    expect(steps.filter((step) => step !== "POST start")).toEqual(["POST accept", "POST arrive", "POST complete"]);
    expect(count("POST start")).toBeGreaterThanOrEqual(1);
    const body = (end: string) => platform.calls.find(({ path }) => path.endsWith(end))?.body;
    expect(body("/accept")).toEqual({ expectedVersion: 3 });
    const { distanceMeters } = body("/complete") as { distanceMeters: number };
    // As the crow flies it is 4.4 km; on a chessboard at most 1.5 times that.
    expect(distanceMeters).toBeGreaterThan(4000);
    expect(distanceMeters).toBeLessThan(8000);
    expect(driver.duty).not.toBe("riding");
  });

  test("sometimes sends the accept twice, and both mean one trip", async () => {
    const { driver, count } = await driverWho((d) => d.count("POST accept") === 2, calm);
    expect([driver.duty, count("POST accept")]).toEqual(["to-pickup", 2]);
  });

  test("sometimes declines, sometimes says nothing", async () => {
    const declined = await driverWho((d) => d.count("POST reject") === 1, calm);
    expect(declined.driver.duty).toBe("free");
    const silent = await driverWho((d) => d.count("POST reject") + d.count("POST accept") === 0, calm);
    expect(silent.driver.duty).toBe("free");
  });

  test("carries on when another driver was faster", async () => {
    const { driver, offer, pass, count } = await driverWho(
      (d) => d.count("POST accept") >= 1,
      () => ({ live: null, answers: { accept: refused(409, "TRIP_ALREADY_ASSIGNED") } }),
    );
    expect(driver.duty).toBe("free");
    const before = count("POST accept") + count("POST reject");
    for (let i = 0; i < 20; i++) {
      offer(`trip-${i}`);
      await pass(25);
    }
    expect(count("POST accept") + count("POST reject")).toBeGreaterThan(before);
  });

  test("repeats an accept that nobody answered, then asks the server what came of it", async () => {
    const { driver, platform, pass } = await driverWho(
      (d) => d.count("POST accept") === 3,
      () => ({ live: trip({ status: "accepted" }), answers: { accept: noAnswer, trips: ok({ items: [] }) } }),
    );
    platform.answer = () => ok({ items: [trip({ status: "accepted" })] });
    await pass(75);
    expect(["to-pickup", "at-pickup"]).toContain(driver.duty);
  });

  test.each(["trip.cancelled", "trip.released"])("is free again after %s", async (event) => {
    const { driver, hear } = await driverWho((d) => d.driver.duty === "to-pickup", calm);
    hear(event, { tripId: "another" });
    expect(driver.duty).toBe("to-pickup");
    hear(event, { tripId: "trip-1" });
    expect(driver.duty).toBe("free");
  });

  test("finds out within 70 seconds that a trip is gone, though no event came", async () => {
    const { driver, pass } = await driverWho(
      (d) => d.driver.duty === "to-pickup",
      () => ({
        live: null,
        answers: {},
        forgets: true,
      }),
    );
    await pass(75);
    expect(driver.duty).toBe("free");
  });

  test.each([
    ["accepted", "to-pickup"],
    ["arrived", "at-pickup"],
    ["ongoing", "riding"],
  ] as const)("takes up a trip that an earlier run left %s", async (status, duty) => {
    city.codes.delete("trip-1");
    const { driver, pass, count } = driverWith(9, { live: trip({ status }), answers: {} });
    await pass(1);
    expect(driver.duty).toBe(duty);
    expect(count("POST availability")).toBe(0);
  });

  test("asks for another code after a wrong one, and cancels when no rider comes", async () => {
    city.codes.set("trip-1", "1111");
    const { platform, pass, count } = driverWith(9, {
      live: trip({ status: "arrived" }),
      answers: { start: refused(400, "VALIDATION_FAILED") },
    });
    await pass(60);
    expect(count("POST start")).toBeGreaterThanOrEqual(1);
    city.codes.delete("trip-1");
    await pass(260);
    expect(platform.log).toContain("POST cancel");
  });

  test("leaves the server alone for as long as Retry-After says", async () => {
    const { platform, pass } = driverWith(4, {
      live: null,
      answers: { trips: refused(429, "RATE_LIMIT_EXCEEDED", 60_000) },
    });
    await pass(60);
    expect(platform.calls).toHaveLength(1);
  });

  test("asks for open offers after a reconnection", async () => {
    const { driver, pass, count } = driverWith(6, calm());
    await pass(5);
    const before = count("GET pending");
    driver.reconnected();
    await pass(2);
    expect(count("GET pending")).toBe(before + 1);
  });

  test("takes breaks, but never on a trip", async () => {
    const { driver, pass, platform } = driverWith(8, calm());
    const duties = new Set<string>();
    for (let i = 0; i < 50; i++) {
      await pass(60);
      duties.add(driver.duty);
    }
    const wishes = platform.calls.filter(({ path }) => path.endsWith("/availability")).map(({ body }) => body);
    expect(wishes).toContainEqual({ online: false });
    expect(wishes.filter((wish) => JSON.stringify(wish) === '{"online":true}').length).toBeGreaterThan(1);
  });
});
