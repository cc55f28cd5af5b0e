import { describe, expect, test } from "vitest";
import { parsePickups } from "./pickups.ts";

const HEAD = "picked_up_at,lat,lng";
const GOOD = "2014-04-01T00:11:00-04:00,40.769,-73.9549";
const parse = (...lines: string[]) => parsePickups(lines.join("\n"), "pickups.csv");

describe("a file of pickups", () => {
  test("is given in the order of time, whatever the order of its lines and columns", () => {
    const pickups = parse(
      "lng,id,picked_up_at,lat",
      "-73.9,7,2014-04-01T00:20:00Z,40.8",
      "-73.8,8,2014-04-01T00:10:00Z,40.7",
      "",
    );
    expect(pickups).toEqual([
      { at: Date.parse("2014-04-01T00:10:00Z"), lat: 40.7, lng: -73.8 },
      { at: Date.parse("2014-04-01T00:20:00Z"), lat: 40.8, lng: -73.9 },
    ]);
  });

  test("may come from Windows, and write an hour with one digit", () => {
    const [pickup] = parsePickups(`\uFEFF${HEAD}\r\n2014-04-13T0:01:00-04:00,40.7,-73.9\r\n`, "pickups.csv");
    expect(pickup?.at).toBe(Date.parse("2014-04-13T00:01:00-04:00"));
  });

  test.each([
    ["no such column", ["picked_up_at,lat", "x,1"], "pickups.csv, line 1: no column lng"],
    [
      "too few values",
      [HEAD, GOOD, "2014-04-01T00:11:00-04:00,40.7"],
      "line 3: 2 values, but the first line names 3 columns",
    ],
    [
      "a latitude that is none",
      [HEAD, "2014-04-01T00:11:00Z,91,0"],
      'line 2: lat is "91"; it must be from -90 to 90 degrees',
    ],
    ["an empty longitude", [HEAD, GOOD, GOOD, "2014-04-01T00:11:00Z,40,"], 'line 4: lng is ""'],
    ["a time that is none", [HEAD, "yesterday,40.7,-73.9"], 'line 2: picked_up_at is "yesterday"'],
    ["a day that does not exist", [HEAD, "2014-13-01T00:11:00Z,40.7,-73.9"], "line 2: picked_up_at"],
    ["no pickups", [HEAD, ""], "pickups.csv has no pickups"],
  ])("is refused with the line's number: %s", (_name, lines, message) => {
    expect(() => parse(...lines)).toThrow(message);
  });
});
