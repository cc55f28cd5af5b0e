import createClient from "openapi-fetch";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import { createApi } from "#server/http/api.ts";
import { openApiDocument } from "#server/http/openapi/document.ts";
import { HERE } from "#server/testing/factories.ts";
import type { paths } from "#server/testing/generated/api.d.ts";
import { createTestApp, type TestApp } from "#server/testing/harness.ts";

let t: TestApp;
let url: string;
beforeAll(async () => {
  t = await createTestApp({ coordination: "standalone" });
  url = await t.listen();
});
afterAll(() => t.dispose());

const clientOf = (token: string) =>
  createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${token}` } });
/** The answer's data, or a failure that shows the problem. */
function dataOf<T>({ data, error, response }: { data?: T; error?: unknown; response: Response }): T {
  if (data === undefined) throw new Error(`${response.status} ${response.url}: ${JSON.stringify(error)}`);
  return data;
}

/** What the server takes, as it was mounted; the files of the reference and the console's own tRPC are no part of the API. */
function mounted(): string[] {
  const routes = createApi(t.app).routes.filter(
    ({ method, path }) => method !== "ALL" && !path.startsWith("/api/docs/"),
  );
  return [...new Set(routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`))].sort();
}
const described = ({ paths: all = {} }: { paths?: Record<string, object> }): string[] =>
  Object.entries(all)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    .sort();

test("the document and the server name the same calls", async () => {
  expect(described(openApiDocument(null))).toEqual(mounted());
  const served = await fetch(`${url}/api/openapi.json`);
  expect(served.headers.get("content-type")).toMatch(/^application\/json/);
  expect(described((await served.json()) as object)).toEqual(mounted());
  const etag = served.headers.get("etag") ?? "";
  expect((await fetch(`${url}/api/openapi.json`, { headers: { "if-none-match": etag } })).status).toBe(304);
});

test("mutation: a call that is left out of the document, or made up, is seen", () => {
  const { paths: all } = openApiDocument(null) as { paths: Record<string, object> };
  const { "/api/v1/trips": _, ...fewer } = all;
  expect(described({ paths: fewer })).not.toEqual(mounted());
  expect(described({ paths: { ...all, "/api/v1/made-up": { get: {} } } })).not.toEqual(mounted());
});

test("the reference is served from here alone", async () => {
  const page = await (await fetch(`${url}/api/docs`)).text();
  const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file ?? "");
  expect(files.every((file) => file.startsWith("/"))).toBe(true);
  for (const file of files.filter((name) => name.startsWith("/api/")))
    expect((await fetch(`${url}${file}`)).status).toBe(200);
});

test("a client made from the document drives a trip from its request to its end", async () => {
  const [customer, driver] = await Promise.all([t.make.customer(), t.make.driver()]);
  const rider = clientOf(await t.token("customer", customer));
  const car = clientOf(await t.token("driver", driver));

  const booked = await rider.POST("/api/v1/trips", {
    params: { header: { "Idempotency-Key": newId() } },
    body: { pickup: HERE, destination: { lat: 30.06, lng: 31.25 }, vehicleCategory: "economy", paymentMethod: "cash" },
  });
  expect(booked.response.status).toBe(201);
  const trip = dataOf(booked);
  expect(trip.estimatedFare.amount).toBeGreaterThan(0);
  const at = { params: { path: { id: trip.id } } };

  dataOf(await car.POST("/api/v1/location", { body: { lat: HERE.lat, lng: HERE.lng } }));
  expect(dataOf(await car.GET("/api/v1/rides/pending")).items).toEqual([]);
  const accepted = dataOf(
    await car.POST("/api/v1/trips/{id}/accept", { ...at, body: { expectedVersion: trip.version } }),
  );
  expect(accepted).toMatchObject({ alreadyAccepted: false, trip: { status: "accepted", driverId: driver } });
  expect(dataOf(await car.POST("/api/v1/trips/{id}/arrive", at)).status).toBe("arrived");
  const { otp = "" } = dataOf(await rider.GET("/api/v1/trips/{id}", at));
  const wrong = await car.POST("/api/v1/trips/{id}/start", { ...at, body: { otp: otp === "0000" ? "1111" : "0000" } });
  expect(wrong.error).toMatchObject({ status: wrong.response.status, code: expect.any(String) });
  expect(dataOf(await car.POST("/api/v1/trips/{id}/start", { ...at, body: { otp } })).status).toBe("ongoing");
  const ended = dataOf(await car.POST("/api/v1/trips/{id}/complete", { ...at, body: { distanceMeters: 2600 } }));
  expect(ended.status).toBe("completed");

  const own = dataOf(await rider.GET("/api/v1/trips", { params: { query: { status: "completed", limit: 5 } } }));
  expect(own.items.map(({ id }) => id)).toEqual([trip.id]);
});
