import { describe, expect, test } from "vitest";
import { codePrefixOf, parseOptions } from "./options.ts";

const FILES = ["--zones", "a.geojson", "--pickups", "b.csv"];

describe("the command line of a replay", () => {
  test("takes all but the files from defaults", () => {
    expect(parseOptions(FILES)).toEqual({
      zonesFile: "a.geojson",
      pickupsFile: "b.csv",
      speed: Number.POSITIVE_INFINITY,
      drivers: 600,
      limit: 5000,
      json: false,
    });
  });

  test.each([
    ["0", Number.POSITIVE_INFINITY],
    ["max", Number.POSITIVE_INFINITY],
    ["60", 60],
    ["0.5", 0.5],
  ])("--speed %s", (text, speed) => {
    expect(parseOptions([...FILES, "--speed", text])?.speed).toBe(speed);
  });

  test.each([
    [["--zones", "a.geojson"]],
    [[...FILES, "--speed", "-1"]],
    [[...FILES, "--speed", "fast"]],
    [[...FILES, "--drivers", "0"]],
    [[...FILES, "--limit", "1.5"]],
    [[...FILES, "--sped", "1"]],
  ])("refuses %j", (args) => {
    expect(parseOptions(args)).toBeNull();
  });

  test("zone codes carry the file's name", () => {
    expect(codePrefixOf("../data/taxi-zones.geojson")).toBe("taxi-zones-");
  });
});
