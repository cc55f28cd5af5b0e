import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import type { LockRow } from "#server/contracts/console.ts";
import { TripLock } from "./trip-lock.tsx";

const row: LockRow = {
  key: "trip:lock:1",
  tripId: "1",
  refId: "T1",
  ownerDriverId: "2",
  ownerName: "Mona Adel",
  value: "2:x",
  ageSeconds: 1,
  ttlSeconds: 299,
  tripStatus: "accepted",
  tripDriverId: "2",
  tripDriverName: "Mona Adel",
  verdict: "healthy",
  why: "Held by the trip's own driver.",
};

test("a lock that cannot be seen is not said to be free", () => {
  expect(renderToStaticMarkup(<TripLock lock={{ state: "held", lock: row }} />)).toContain("Mona Adel");
  expect(renderToStaticMarkup(<TripLock lock={{ state: "free" }} />)).toContain("No lock is held");
  const unknown = renderToStaticMarkup(<TripLock lock={{ state: "unknown" }} />);
  expect(unknown).toContain("Not known now: Redis does not answer");
  expect(unknown).not.toContain("No lock is held");
});
