import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "#scripts/services/data-dir.ts";
import { newId } from "#server/contracts/ids.ts";
import { remember } from "#server/domain/idempotency/open-claim.ts";
import { tripOtp } from "#server/domain/trips/trip-otp.ts";
import { HERE } from "#server/testing/factories.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";
import { type Answer, call, tally } from "#server/testing/http-calls.ts";
import { spawnServer } from "#server/testing/server-process.ts";
import { startPrivatePostgres } from "#server/testing/services.ts";
import { allAtOnce, waitUntil } from "#server/testing/wait.ts";

/** Reliability, "Idempotency", with real processes killed at exact points (`die-at.ts`). */
let t: TestApp;
let url: string;
beforeAll(async () => {
  t = await createTestApp();
  url = await t.listen();
});
afterAll(() => t.dispose());

const BOOKING = {
  pickup: HERE,
  destination: { lat: 30.06, lng: 31.25 },
  vehicleCategory: "economy",
  paymentMethod: "cash",
};

/** One call with a key, ready to be sent to any process. */
interface Ready {
  readonly send: (to: string) => Promise<Answer>;
  /** How often the work was done. */
  readonly done: () => Promise<number>;
  readonly status: number;
}
const keyed = (path: string, token: string, body: unknown, status = 200) => {
  const headers = { "idempotency-key": newId() };
  return { status, send: (to: string) => call(`${to}${path}`, { token, body, headers }) };
};
const jobsOf = (trip: string, topic: string) => () =>
  t.value<number>("SELECT count(*)::int FROM outbox WHERE trip_id = $1 AND topic = $2", [trip, topic]);

async function acceptedTrip(to: "accepted" | "arrived" | "ongoing" = "accepted") {
  const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
  expect((await t.accept(trip, driver)).accepted).toBe(true);
  if (to !== "accepted") await t.app.trips.arrive(driver, trip);
  const otp = tripOtp(t.app.config.auth.secret, trip, driver);
  if (to === "ongoing") await t.app.trips.start(driver, trip, otp);
  const before = await jobsOf(trip, "trip-progressed")();
  const progressed = async () => (await jobsOf(trip, "trip-progressed")()) - before;
  return { trip, driver, otp, token: await t.token("driver", driver), progressed };
}

const OPERATIONS: Readonly<Record<string, () => Promise<Ready>>> = {
  book: async () => {
    const customer = await t.make.customer();
    return {
      ...keyed("/api/v1/trips", await t.token("customer", customer), BOOKING, 201),
      done: () => t.value("SELECT count(*)::int FROM trip_requests WHERE customer_id = $1", [customer]),
    };
  },
  cancel: async () => {
    const { trip, token } = await acceptedTrip();
    return {
      ...keyed(`/api/v1/trips/${trip}/cancel`, token, { reason: "flat tyre" }),
      done: jobsOf(trip, "trip-ended"),
    };
  },
  accept: async () => {
    const [trip, driver] = await Promise.all([t.make.trip(), t.make.driver()]);
    return {
      ...keyed(`/api/v1/trips/${trip}/accept`, await t.token("driver", driver), {}),
      done: jobsOf(trip, "process-trip-acceptance"),
    };
  },
  arrive: async () => {
    const { trip, token, progressed } = await acceptedTrip();
    return { ...keyed(`/api/v1/trips/${trip}/arrive`, token, {}), done: progressed };
  },
  start: async () => {
    const { trip, token, otp, progressed } = await acceptedTrip("arrived");
    return { ...keyed(`/api/v1/trips/${trip}/start`, token, { otp }), done: progressed };
  },
  complete: async () => {
    const { trip, token, progressed } = await acceptedTrip("ongoing");
    return { ...keyed(`/api/v1/trips/${trip}/complete`, token, { distanceMeters: 8000 }), done: progressed };
  },
  "go offline": async () => {
    const { trip, token } = await acceptedTrip();
    return {
      ...keyed("/api/v1/drivers/me/availability", token, { online: false }),
      done: jobsOf(trip, "trip-released"),
    };
  },
};

/** Sends the call to a process that dies at that point of it. */
async function killedAt(point: "claimed" | "commit" | "answer", ready: Ready, more: Record<string, string> = {}) {
  const NODE_OPTIONS = `--import ${pathToFileURL(join(ROOT, "server", "testing", "die-at.ts"))}`;
  const server = await spawnServer({ roles: "web", env: { ...t.env, NODE_OPTIONS, DIE_AT: point, ...more } });
  await expect(ready.send(server.url)).rejects.toThrow("fetch failed");
  await server.kill();
}
const seen = ({ status, headers }: Answer) => [status, headers.get("x-idempotent-replay")];
const endLeases = () =>
  t.app.db.pool.query(
    "UPDATE idempotency_keys SET lease_expires_at = now() - interval '1 second' WHERE status = 'running'",
  );

describe.each(Object.entries(OPERATIONS))("%s", (_name, prepare) => {
  test("kill -9 after the commit and before the answer: the retry replays at once, byte for byte", async () => {
    const ready = await prepare();
    await killedAt("answer", ready);
    expect(await ready.done()).toBe(1);
    const [first, second] = [await ready.send(url), await ready.send(url)];
    expect([seen(first), seen(second)]).toEqual([
      [ready.status, "true"],
      [ready.status, "true"],
    ]);
    expect(second.text).toBe(first.text);
    expect(await ready.done()).toBe(1);
  });

  test("what the transaction stored is what is answered: nothing is stored anew after it", async () => {
    const ready = await prepare();
    const finish = t.app.idempotency.finish;
    t.app.idempotency.finish = () => Promise.reject(new Error("stored twice"));
    try {
      const [first, again] = [await ready.send(url), await ready.send(url)];
      expect([seen(first), seen(again)]).toEqual([
        [ready.status, null],
        [ready.status, "true"],
      ]);
      expect(again.text).toBe(first.text);
      expect(await ready.done()).toBe(1);
    } finally {
      t.app.idempotency.finish = finish;
    }
  });
});

test("an accept that was killed before its answer is told as new: alreadyAccepted is false", async () => {
  const ready = await OPERATIONS.accept?.();
  if (ready === undefined) throw new Error("no accept");
  await killedAt("answer", ready);
  expect((await ready.send(url)).body).toMatchObject({ alreadyAccepted: false });
});

describe.each(["claimed", "commit"] as const)("kill -9 when it is %s", (point) => {
  test.each(["book", "cancel", "accept"])(
    "%s: 409 until the lease ends, then done once, then replayed",
    async (name) => {
      const ready = await (OPERATIONS[name] as () => Promise<Ready>)();
      await killedAt(point, ready);
      expect(await ready.done()).toBe(0);
      const early = await ready.send(url);
      expect([early.status, early.body.code, early.headers.get("retry-after")]).toEqual([
        409,
        "IDEMPOTENCY_IN_PROGRESS",
        "1",
      ]);
      await endLeases();
      // An accept's trip lock is still held, by the same driver: their retry is let through.
      const answers = await allAtOnce(10, () => ready.send(url));
      expect(answers.filter((answer) => seen(answer).join() === `${ready.status},`)).toHaveLength(1);
      const last = await ready.send(url);
      expect(seen(last)).toEqual([ready.status, "true"]);
      expect(await ready.done()).toBe(1);
    },
  );
});

test("mutation: a transaction that stores no result leaves the retry waiting for the lease", async () => {
  const ready = await (OPERATIONS.cancel as () => Promise<Ready>)();
  await killedAt("answer", ready, { FORGET: "1" });
  expect(await ready.done()).toBe(1);
  expect((await ready.send(url)).status).toBe(409);
  await endLeases();
  // And then it is told that a cancelled trip cannot be cancelled, though it was its own doing.
  expect((await ready.send(url)).body.code).toBe("INVALID_TRANSITION");
});

describe("a holder that outlives its lease", () => {
  /** Two requests with one key, both past their claim and waiting for the trip's row; the first one's lease has ended. */
  async function bothAtOnce() {
    const ready = await (OPERATIONS.cancel as () => Promise<Ready>)();
    const holder = await t.app.db.pool.connect();
    try {
      await holder.query("BEGIN; SELECT 1 FROM trip_requests FOR UPDATE");
      const waiting = (count: number) =>
        waitUntil(
          `${count} wait for the row`,
          async () =>
            (await t.value(
              "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )) === count,
        );
      const first = ready.send(url);
      await waiting(1);
      await endLeases();
      const second = ready.send(url);
      await waiting(2);
      await holder.query("COMMIT");
      return { ready, answers: await Promise.all([first, second]) };
    } finally {
      holder.release();
    }
  }

  test("changes nothing: the one that took its key over does the work, and is the only one to be answered with it", async () => {
    const { ready, answers } = await bothAtOnce();
    expect(answers.map((answer) => answer.body.code ?? answer.status)).toEqual(["IDEMPOTENCY_IN_PROGRESS", 200]);
    expect(await ready.done()).toBe(1);
    const replay = await ready.send(url);
    expect([seen(replay), replay.text]).toEqual([[200, "true"], answers[1]?.text]);
  });

  test("is stopped by its owner token alone (mutation: with the other's token it would store over it)", async () => {
    const request = { actorId: newId(), operation: "x", key: "k", input: {}, status: 200 };
    const [first, , second] = [
      await t.app.idempotency.claim(request),
      await endLeases(),
      await t.app.idempotency.claim(request),
    ];
    if (first.kind !== "mine" || second.kind !== "mine") throw new Error("not claimed");
    expect(second.open.id).toBe(first.open.id);
    const store = (claim: typeof first.open) => t.app.db.transaction((tx) => remember(tx, claim, { by: "first" }));
    await expect(store(first.open)).rejects.toMatchObject({ code: "IDEMPOTENCY_IN_PROGRESS" });
    await expect(store({ ...first.open, ownerToken: second.open.ownerToken })).resolves.toBeUndefined();
  });
});

test("fifty at once over two processes: one row, one 2xx, the rest told to wait or replayed; later all the same bytes", async () => {
  const peer = await createTestApp({ peerOf: t });
  try {
    const other = await peer.listen();
    const ready = await (OPERATIONS.book as () => Promise<Ready>)();
    const answers = await allAtOnce(50, (n) => ready.send(n % 2 === 0 ? url : other));
    expect(answers.filter((answer) => answer.status === 201 && seen(answer)[1] === null)).toHaveLength(1);
    expect(Object.keys(tally(answers)).every((status) => status === "201" || status === "409")).toBe(true);
    expect(await ready.done()).toBe(1);
    const later = await Promise.all([ready.send(url), ready.send(other)]);
    expect(new Set([...later, ...answers.filter(({ status }) => status === 201)].map(({ text }) => text)).size).toBe(1);
  } finally {
    await peer.dispose();
  }
});

test("keyed accepts of one group: each answer is stored, and one whose key was taken over costs the others nothing", async () => {
  const count = 8;
  const [trips, drivers] = await Promise.all([t.make.trips(count), t.make.drivers(count)]);
  const claims = await allAtOnce(count, async (n) => {
    const claim = await t.app.idempotency.claim({
      actorId: drivers[n] as string,
      operation: "rides.accept",
      key: "k",
      input: {},
      status: 200,
    });
    if (claim.kind !== "mine") throw new Error("not claimed");
    return n === 3 ? { ...claim.open, ownerToken: newId() } : claim.open;
  });
  const outcomes = await Promise.allSettled(
    trips.map((tripId, n) =>
      t.app.assignment.accept({
        tripId,
        driverId: drivers[n] as string,
        expectedVersion: null,
        requestId: null,
        claim: claims[n] ?? null,
      }),
    ),
  );
  expect(outcomes.map(({ status }) => status === "fulfilled")).toEqual(trips.map((_, n) => n !== 3));
  const stored = await t.rows<{ id: string; response_body: string }>(
    "SELECT id, response_body FROM idempotency_keys WHERE operation = 'rides.accept' AND idempotency_key = 'k' AND status = 'finished'",
  );
  expect(stored).toHaveLength(count - 1);
  for (const { id, response_body } of stored) {
    const n = claims.findIndex((claim) => claim.id === id);
    expect(JSON.parse(response_body)).toMatchObject({ alreadyAccepted: false, trip: { id: trips[n] } });
  }
  expect(await t.value("SELECT driver_id FROM trip_requests WHERE id = $1", [trips[3]])).toBeNull();
  expect(await t.broken()).toEqual([]);
});

test("the database restarted between: the retry still replays", async () => {
  const postgres = await startPrivatePostgres();
  const own = await createTestApp({ coordination: "standalone", databaseUrl: postgres.url });
  try {
    const to = await own.listen();
    const token = await own.token("customer", await own.make.customer());
    const { send } = keyed("/api/v1/trips", token, BOOKING);
    const first = await send(to);
    expect(seen(first)).toEqual([201, null]);
    await postgres.crash();
    expect((await send(to)).status).toBe(503);
    await postgres.start();
    let again = await send(to);
    await waitUntil("the database is back", async () => {
      if (again.status === 503) again = await send(to);
      return again.status !== 503;
    });
    expect([seen(again), again.text]).toEqual([[201, "true"], first.text]);
    expect(await own.value("SELECT count(*)::int FROM trip_requests")).toBe(1);
  } finally {
    await own.dispose();
    await postgres.stop();
  }
});
