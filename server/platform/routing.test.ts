import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createProviderClient } from "#server/platform/http-client.ts";
import { createLogger } from "#server/platform/logger.ts";
import { createMetrics } from "#server/platform/metrics.ts";
import { createRouter, haversineMeters, type Router, straightLine } from "#server/platform/routing.ts";
import { createRoutingProvider, type RoutingProviderName } from "#server/platform/routing-providers.ts";

const A = { lat: 30.0444, lng: 31.2357 };
const B = { lat: 30.0626, lng: 31.2497 };
const METERS = haversineMeters(A, B);

let server: Server;
let url = "";
let asked: string[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const json =
  (body: unknown, status = 200) =>
  (_: IncomingMessage, response: ServerResponse) =>
    void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
});

let clock = 0;
function router(name: RoutingProviderName = "osrm", token: string | null = null): Router {
  const metrics = createMetrics({ processMetrics: false });
  const client = (timeoutMs: number) => createProviderClient({ name, metrics, timeoutMs, retries: 0 });
  const provider = createRoutingProvider(name, { url, token, routes: client(300), tables: client(200) });
  return createRouter({ provider, logger: createLogger("silent"), monotonicMs: () => clock });
}
const way = { code: "Ok", routes: [{ distance: 3141.6, duration: 402.4, geometry: "abc" }] };

describe("a way by road", () => {
  test("osrm: metres and seconds, longitude first", async () => {
    answer = json(way);
    expect(await router().route([A, B])).toEqual({
      distanceMeters: 3142,
      durationSeconds: 402,
      polyline: "abc",
      estimated: false,
    });
    expect(asked).toEqual([
      "/route/v1/driving/31.2357,30.0444;31.2497,30.0626?overview=simplified&geometries=polyline",
    ]);
  });

  test("mapbox: the same with a token", async () => {
    answer = json(way);
    expect((await router("mapbox", "pk.x y").route([A, B])).estimated).toBe(false);
    expect(asked[0]).toMatch(
      /^\/directions\/v5\/mapbox\/driving\/31.2357,30.0444;31.2497,30.0626\?.*&access_token=pk.x%20y$/,
    );
  });

  test.each([
    ["one way", (one: object) => one],
    ["a list of ways", (one: object) => [one]],
  ])("geolink: kilometres, %s", async (_, shape) => {
    answer = json(shape({ distance: 3.5, duration: 500, polyline: "xyz" }));
    const found = await router("geolink", "key").route([A, { lat: 30.05, lng: 31.24 }, B]);
    expect(found).toEqual({ distanceMeters: 3500, durationSeconds: 500, polyline: "xyz", estimated: false });
    expect(new URLSearchParams(asked[0]?.split("?")[1]).get("waypoints")).toBe("30.05,31.24");
  });

  test("is asked for once: at the same time, and again within five minutes", async () => {
    answer = json(way);
    const roads = router();
    clock = 0;
    await Promise.all([roads.route([A, B]), roads.route([A, B])]);
    await roads.route([{ ...A, lat: A.lat + 0.000001 }, B]);
    clock = 5 * 60_000 - 1;
    await roads.route([A, B]);
    expect(asked).toHaveLength(1);
    clock = 5 * 60_000;
    await roads.route([A, B]);
    expect(asked).toHaveLength(2);
  });
});

describe("times of several drivers", () => {
  test("osrm: one table", async () => {
    answer = json({ code: "Ok", durations: [[300], [null]], distances: [[2500], [null]] });
    const [one, two] = await router().etas([A, A], B);
    expect(one).toEqual({ durationSeconds: 300, distanceMeters: 2500, estimated: false });
    expect(two).toMatchObject({ estimated: true, distanceMeters: Math.round(METERS) });
    expect(asked).toEqual([
      "/table/v1/driving/31.2357,30.0444;31.2357,30.0444;31.2497,30.0626?sources=0;1&destinations=2&annotations=duration,distance",
    ]);
  });
  test("geolink has no table: each is asked for", async () => {
    answer = json({ distance: 3, duration: 400 });
    expect(await router("geolink", "key").etas([A, A, A], B)).toHaveLength(3);
    expect(asked).toHaveLength(3);
  });
  test("of nobody are none", async () => {
    expect(await router().etas([], B)).toEqual([]);
    expect(asked).toEqual([]);
  });
});

const misbehaviours: [string, (request: IncomingMessage, response: ServerResponse) => void][] = [
  ["says nothing", () => undefined],
  ["hangs up", (request) => void request.socket.destroy()],
  ["fails", json({}, 500)],
  ["knows no way", json({ code: "NoRoute" }, 400)],
  ["says with 200 that it knows no way", json({ code: "NoRoute", routes: [] })],
  ["answers no JSON", (_, response) => void response.end("<html>")],
  ["answers another shape", json({ routes: "yes" })],
  ["answers in kilometres", json({ routes: [{ distance: 2.4, duration: 300, geometry: "" }] })],
  ["answers the way around the world", json({ routes: [{ distance: 4e7, duration: 2e6, geometry: "" }] })],
  ["answers in no time", json({ routes: [{ distance: 3000, duration: 0, geometry: "" }] })],
  ["answers less than nothing", json({ routes: [{ distance: -3000, duration: -300, geometry: "" }] })],
  // It does not fit the column: the trip could not be booked.
  ["answers a time without end", json({ routes: [{ distance: 3000, duration: 1e12, geometry: "" }] })],
  [
    // Whoever answers there is not the one we chose, and would get our token.
    "sends us elsewhere",
    (request, response) => {
      if (request.url?.startsWith("/elsewhere")) return json(way)(request, response);
      response.writeHead(302, { location: `/elsewhere${request.url}` }).end();
    },
  ],
  [
    "answers without end",
    (_, response) => {
      const chunk = Buffer.alloc(1 << 20, 32);
      const go = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", go);
      go();
    },
  ],
  [
    "drips",
    (_, response) => {
      const timer = setInterval(() => (response.destroyed ? clearInterval(timer) : response.write(" ")), 20);
    },
  ],
];

describe("a provider that", () => {
  test("sends us elsewhere is not followed", async () => {
    answer = (_, response) => void response.writeHead(302, { location: "/elsewhere" }).end();
    await router("mapbox", "pk.secret").route([A, B]);
    await router("geolink", "key").etas([A], B);
    expect(asked).toHaveLength(2);
    expect(asked.join()).not.toContain("elsewhere");
  });

  test("answers less than nothing for two points beside each other is not believed", async () => {
    const near = { ...A, lat: A.lat + 0.001 };
    answer = json({ routes: [{ distance: -300, duration: -1, geometry: "" }] });
    expect(await router().route([A, near])).toEqual(straightLine([A, near]));
    answer = json({ durations: [[-1]], distances: [[-300]] });
    expect((await router().etas([A], near))[0]?.estimated).toBe(true);
  });

  test("says nonsense once is asked again, and its answer is what is remembered", async () => {
    const roads = router();
    answer = json({ routes: [{ distance: 2.4, duration: 300, geometry: "" }] });
    expect((await roads.route([A, B])).estimated).toBe(true);
    answer = json(way);
    expect((await roads.route([A, B])).estimated).toBe(false);
  });

  test("draws more than a map needs costs no memory: the way is known, and not drawn", async () => {
    answer = json({ routes: [{ distance: 3141, duration: 402, geometry: "a".repeat(1 << 20) }] });
    expect(await router().route([A, B])).toMatchObject({ distanceMeters: 3141, polyline: null, estimated: false });
  });

  test("knows only some of the times, or too many of them, is believed where it can be", async () => {
    answer = json({ durations: [[300], [200], [100]], distances: [[2500]] });
    const [one, two] = await router().etas([A, A], B);
    expect([one?.estimated, two?.estimated]).toEqual([false, true]);
  });

  test("is asked by one of many after it was left alone, and by all once it answers", async () => {
    const roads = router();
    clock = 0;
    const ask = (n: number) => roads.route([A, { ...B, lat: B.lat + n / 10_000 }]);
    answer = json({}, 500);
    for (let n = 1; n <= 5; n++) await ask(n);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 10_001 });
    try {
      asked = [];
      const many = await Promise.all(Array.from({ length: 12 }, (_, n) => ask(n + 10)));
      expect(many.every(({ estimated }) => estimated)).toBe(true);
      expect(asked).toHaveLength(1);
      vi.setSystemTime(Date.now() + 10_001);
      answer = json(way);
      expect((await ask(30)).estimated).toBe(false);
      expect((await ask(31)).estimated).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each(misbehaviours)(
    "%s costs no trip: a straight line at 40 km/h, marked, in good time",
    async (_, misbehave) => {
      answer = misbehave;
      const roads = router();
      const began = performance.now();
      expect(await roads.route([A, B])).toEqual(straightLine([A, B]));
      expect(await roads.etas([A], B)).toEqual([
        { distanceMeters: Math.round(METERS), durationSeconds: Math.round(METERS / (40 / 3.6)), estimated: true },
      ]);
      expect(performance.now() - began).toBeLessThan(5000);
    },
  );

  test("failed five times is left alone; what it said before is still known", async () => {
    const roads = router();
    clock = 0;
    answer = json(way);
    await roads.route([A, B]);
    answer = json({}, 500);
    for (let n = 1; n <= 8; n++) expect((await roads.route([A, { ...B, lat: B.lat + n / 1000 }])).estimated).toBe(true);
    expect(asked).toHaveLength(1 + 5);
    expect((await roads.route([A, B])).estimated).toBe(false);
  });

  test("mutation: without the look at what is plausible, kilometres would pass for metres", async () => {
    answer = json({ routes: [{ distance: 2.4, duration: 300, geometry: "" }] });
    const client = createProviderClient({
      name: "osrm",
      metrics: createMetrics({ processMetrics: false }),
      retries: 0,
    });
    const bare = createRoutingProvider("osrm", { url, token: null, routes: client, tables: client });
    expect(await bare.route([A, B])).toMatchObject({ distanceMeters: 2.4 });
  });
});
