import { expect, test } from "vitest";
import { decodePolyline } from "#server/platform/polyline.ts";

test("the example of the format's description", () => {
  expect(decodePolyline("_p~iF~ps|U_ulLnnqC_mqNvxq`@")).toEqual([
    { lat: 38.5, lng: -120.2 },
    { lat: 40.7, lng: -120.95 },
    { lat: 43.252, lng: -126.453 },
  ]);
});

test.each(["", "_p~iF~ps|U", "_p~iF", "no polyline", "~~~~~~~~~~~~", "\u0000\u0001"])("%j is no way", (text) => {
  expect(decodePolyline(text)).toBeNull();
});
