import { describe, expect, test } from "vitest";
import { seededRandom } from "#prisma/seed/places.ts";
import type { Trip } from "#server/contracts/trips.ts";
import { chessboardCity, FakePlatform, noAnswer, ok, refused, trip } from "./fixtures.ts";
import { Rider } from "./rider.ts";
import { Tally } from "./tally.ts";

const NONE = ok({ items: [] });
const city = chessboardCity();

/** A rider whose platform says `status` of the trip, and time that runs as fast as the test wants. */
async function riderWith(answer: FakePlatform["answer"], seed = 7) {
  const platform = new FakePlatform((call) => (call.path.includes("?status=") ? NONE : answer(call)));
  const tally = new Tally();
  const rider = new Rider({ send: platform.send, city, random: seededRandom(seed), tally });
  let now = 0;
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      now += 1000;
      await rider.tick(now);
    }
  };
  await pass(1);
  return { rider, platform, tally, pass, want: () => rider.wantTrip(now) };
}

const posts = (platform: FakePlatform, end: string) =>
  platform.calls.filter(({ method, path }) => method === "POST" && path.endsWith(end));

describe("a rider", () => {
  test("asks again with the same key until there is an answer", async () => {
    let tries = 0;
    const { rider, platform, pass, want } = await riderWith(({ method }) => {
      if (method === "GET") return ok(trip());
      tries++;
      return tries === 1 ? noAnswer : tries === 2 ? refused(503, "HIGH_DEMAND", 5000) : ok(trip(), 201);
    });
    want();
    await pass(20);
    const asked = posts(platform, "/trips");
    expect(asked).toHaveLength(3);
    expect(new Set(asked.map((call) => call.idempotencyKey)).size).toBe(1);
    expect(new Set(asked.map((call) => JSON.stringify(call.body))).size).toBe(1);
    expect(rider.status).toBe("pending");
  });

  test("waits as long as Retry-After says", async () => {
    const { platform, pass, want } = await riderWith(() => refused(429, "RATE_LIMIT_EXCEEDED", 30_000));
    want();
    await pass(29);
    expect(posts(platform, "/trips")).toHaveLength(1);
    await pass(10);
    expect(posts(platform, "/trips")).toHaveLength(2);
  });

  test("gives up a request that is refused for good, and is free for another", async () => {
    const { rider, platform, pass, want } = await riderWith(() => refused(422, "OUTSIDE_SERVICE_AREA"));
    want();
    await pass(10);
    expect(posts(platform, "/trips")).toHaveLength(1);
    expect(rider.free).toBe(true);
  });

  test("tells the code of the driver who comes, of the next one when that is another, and forgets it in the end", async () => {
    let now: Partial<Trip> = { status: "accepted", driverId: "a", otp: "1234" };
    const { rider, pass, want } = await riderWith(
      ({ method, path }) => (method === "POST" && path.endsWith("/trips") ? ok(trip(), 201) : ok(trip(now))),
      3, // stays
    );
    want();
    await pass(10);
    expect(city.codes.get("trip-1")).toBe("1234");
    now = { status: "accepted", driverId: "b", otp: "9876" };
    await pass(10);
    expect(city.codes.get("trip-1")).toBe("9876");
    now = { status: "completed", driverId: "b" };
    await pass(12);
    expect(city.codes.has("trip-1")).toBe(false);
    expect(rider.free).toBe(true);
  });

  test("some leave while they wait, and then the trip is cancelled once", async () => {
    const left = [];
    for (let seed = 1; seed <= 60; seed++) {
      let cancelled = false;
      const { platform, pass, want } = await riderWith(({ path }) => {
        if (path.endsWith("/cancel")) cancelled = true;
        return ok(trip(cancelled ? { status: "cancelled" } : {}));
      }, seed);
      want();
      await pass(60);
      left.push(posts(platform, "/cancel").length);
    }
    expect(Math.max(...left)).toBe(1);
    const share = left.filter((n) => n === 1).length / left.length;
    expect(share).toBeGreaterThan(0.02);
    expect(share).toBeLessThan(0.35);
  });

  test("follows a trip that an earlier run left behind", async () => {
    const platform = new FakePlatform(({ path }) =>
      path.includes("?status=") ? ok({ items: [trip({ status: "ongoing" })] }) : ok(trip({ status: "ongoing" })),
    );
    const rider = new Rider({ send: platform.send, city, random: seededRandom(1), tally: new Tally() });
    await rider.tick(1000);
    expect([rider.free, rider.status]).toEqual([false, "ongoing"]);
  });

  test("lets go of a trip that is gone", async () => {
    const { rider, pass, want } = await riderWith(({ method }) =>
      method === "POST" ? ok(trip(), 201) : refused(404, "NOT_FOUND"),
    );
    want();
    await pass(12);
    expect(rider.free).toBe(true);
  });
});
