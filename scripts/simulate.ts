/**
 * `npm run simulate`: the living demo city, through the public API alone. Environment: BASE_URL (http://localhost:3000),
 * SIM_SEED (a number; the same seed gives the same people), SIM_PACE (how many times faster than real cars drive).
 * Stops at once on SIGTERM and SIGINT. `npm start` runs it as a child.
 */
import { PHONES } from "#prisma/seed/people.ts";
import { seededRandom } from "#prisma/seed/places.ts";
import { createSend } from "#scripts/simulator/api-client.ts";
import { loadCity } from "#scripts/simulator/city.ts";
import { Crowd } from "#scripts/simulator/crowd.ts";

const TICK_MS = 1000;
const STATUS_EVERY_MS = 30_000;
/** A ride of 5 km then takes under five minutes: rides must end while somebody watches. */
const DEFAULT_PACE = 2;

function numberFrom(name: string, fallback: number): number {
  const text = process.env[name];
  const value = text === undefined || text === "" ? fallback : Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${name} is "${text}"; it must be a number above 0`);
  return value;
}

const phones = (count: number, phone: (n: number) => string) => Array.from({ length: count }, (_, i) => phone(i + 1));

function main(): void {
  const baseUrl = process.env.BASE_URL || "http://localhost:3000";
  const seed = numberFrom("SIM_SEED", Date.now() % 2 ** 32);
  const crowd = new Crowd({
    baseUrl,
    send: createSend(baseUrl),
    city: loadCity(new URL("../public/map/cairo.geojson", import.meta.url)),
    random: seededRandom(seed),
    pace: numberFrom("SIM_PACE", DEFAULT_PACE),
    password: "smartline-demo",
    drivers: phones(90, PHONES.demo.driver),
    riders: phones(60, PHONES.demo.customer),
    now: Date.now(),
    onFault: (error) => console.error(`a step failed: ${error instanceof Error ? error.stack : String(error)}`),
  });
  console.log(`simulating 90 drivers and 60 riders on ${baseUrl}, SIM_SEED=${seed}`);
  const ticker = setInterval(() => crowd.tick(Date.now()), TICK_MS);
  const status = setInterval(() => console.log(crowd.takeStatusLine()), STATUS_EVERY_MS);
  const stop = () => {
    clearInterval(ticker);
    clearInterval(status);
    crowd.close();
    // Calls on their way are cut off; what they did is found again at the next start.
    process.exit(0);
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

try {
  main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
