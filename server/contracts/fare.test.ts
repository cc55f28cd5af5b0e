import { describe, expect, it } from "vitest";
import { fareFor } from "#server/contracts/fare.ts";

const tariff = { baseFare: 1000, farePerKm: 500, farePerMin: 50, minimumFare: 2000 };

describe("fareFor", () => {
  it("adds base, distance and time", () => {
    // 10.00 + 8 km × 5.00 + 12 min × 0.50
    expect(fareFor(tariff, { distanceMeters: 8000, durationSeconds: 720, surge: 1 })).toBe(5600);
  });
  it("is never below the minimum", () => {
    expect(fareFor(tariff, { distanceMeters: 100, durationSeconds: 20, surge: 1 })).toBe(2000);
  });
  it("applies surge to the minimum too, and rounds once", () => {
    expect(fareFor(tariff, { distanceMeters: 0, durationSeconds: 0, surge: 1.5 })).toBe(3000);
    expect(fareFor(tariff, { distanceMeters: 8001, durationSeconds: 721, surge: 1 })).toBe(5601);
  });
  it("rounds a half up, whatever the surge", () => {
    // As whole numbers: with fractions 1.15 × 50 is 57.49999…
    const ride = { distanceMeters: 0, durationSeconds: 0 };
    for (let hundredths = 100; hundredths <= 500; hundredths += 5)
      for (let minimumFare = 0; minimumFare <= 200; minimumFare++) {
        const fare = fareFor(
          { baseFare: 0, farePerKm: 0, farePerMin: 0, minimumFare },
          { ...ride, surge: hundredths / 100 },
        );
        expect(fare).toBe(Math.floor((minimumFare * hundredths + 50) / 100));
      }
  });
});
