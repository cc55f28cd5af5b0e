import { describe, expect, test } from "vitest";
import { seededRandom } from "#prisma/seed/places.ts";
import { haversineMeters } from "#server/platform/routing.ts";
import { answerToOffer, categoryWanted, misheard, patienceOf } from "./choices.ts";
import { loadCity } from "./city.ts";
import { Demand } from "./demand.ts";

const city = loadCity(new URL("../../public/map/cairo.geojson", import.meta.url));

describe("rides in Cairo", () => {
  test("are 2 to 9 km as the crow flies, shorter ones likelier, from and to named places", () => {
    const random = seededRandom(1);
    const metres = Array.from({ length: 200 }, () => {
      const { pickup, destination } = city.ride(random);
      expect(pickup.address).toMatch(/^\d+, \S/);
      expect(destination.address).toMatch(/^\d+, \S/);
      return haversineMeters(pickup, destination);
    });
    expect(Math.min(...metres)).toBeGreaterThanOrEqual(2000);
    expect(Math.max(...metres)).toBeLessThanOrEqual(9000);
    expect(metres.filter((m) => m < 4500).length).toBeGreaterThan(120);
  });

  test("are the same for the same seed", () => {
    expect(city.ride(seededRandom(5))).toEqual(city.ride(seededRandom(5)));
    expect(city.ride(seededRandom(5))).not.toEqual(city.ride(seededRandom(6)));
  });
});

describe("what people decide", () => {
  const random = seededRandom(3);
  const many = Array.from({ length: 2000 }, () => answerToOffer(random));

  test("drivers mostly accept, and do everything else now and then", () => {
    const share = (answer: string) => many.filter((one) => one.answer === answer).length / many.length;
    expect(share("accept")).toBeGreaterThan(0.6);
    for (const answer of ["reject", "ignore", "accept-twice", "too-late"]) expect(share(answer)).toBeGreaterThan(0.01);
  });

  test("they think for 2 to 9 seconds; the late ones longer than an offer is open", () => {
    for (const { answer, afterMs } of many) {
      const late = answer === "too-late" || answer === "ignore";
      expect(afterMs).toBeGreaterThanOrEqual(late ? 15_001 : 2000);
      expect(afterMs).toBeLessThan(late ? 23_000 : 9000);
    }
  });

  test("a misheard code is another code of four digits", () => {
    for (let i = 0; i < 200; i++) {
      const code = String(1000 + i * 37).slice(0, 4);
      expect(misheard(code, random)).toMatch(/^\d{4}$/);
      expect(misheard(code, random)).not.toBe(code);
    }
  });

  test("most riders stay, and economy is what most want", () => {
    const kinds = Array.from({ length: 1000 }, () => patienceOf(random).kind);
    expect(kinds.filter((kind) => kind === "stays").length).toBeGreaterThan(700);
    const wanted = Array.from({ length: 1000 }, () => categoryWanted(random));
    expect(new Set(wanted)).toEqual(new Set(["economy", "comfort", "scooter"]));
    expect(wanted.filter((one) => one === "economy").length).toBeGreaterThan(550);
  });
});

describe("demand", () => {
  const requestsIn = (minutes: number, underWay: number) => {
    const demand = new Demand(seededRandom(2));
    let requests = 0;
    for (let second = 0; second < minutes * 60; second++) if (demand.due(second * 1000, underWay)) requests++;
    return requests;
  };

  test("is one request every 5 to 8 seconds in a quiet city", () => {
    expect(requestsIn(10, 5)).toBeGreaterThanOrEqual(75);
    expect(requestsIn(10, 5)).toBeLessThanOrEqual(120);
  });

  test("falls as the city fills, and stops when it is full", () => {
    expect(requestsIn(10, 24)).toBeLessThan(requestsIn(10, 16));
    expect(requestsIn(10, 24)).toBeGreaterThan(20);
    expect(requestsIn(10, 32)).toBe(0);
  });
});
