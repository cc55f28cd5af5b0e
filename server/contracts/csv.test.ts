import { expect, test } from "vitest";
import { csvCell } from "#server/contracts/csv.ts";

test("a cell with a comma, a quote or a line break is quoted", () => {
  expect(csvCell("Zamalek, 26 July St")).toBe('"Zamalek, 26 July St"');
  expect(csvCell('the "old" gate')).toBe('"the ""old"" gate"');
  expect(csvCell("two\nlines")).toBe('"two\nlines"');
});

test("a name that a spreadsheet would run as a formula stays text", () => {
  expect(csvCell("=HYPERLINK(1)")).toBe("'=HYPERLINK(1)");
  expect(csvCell("+201001234567")).toBe("'+201001234567");
  expect(csvCell("  -1+1|calc")).toBe("'  -1+1|calc");
  expect(csvCell("\t=1")).toBe("'\t=1");
  expect(csvCell("@SUM(A1)")).toBe("'@SUM(A1)");
});

test("nothing is empty, and a number stays a number", () => {
  expect(csvCell(null)).toBe("");
  expect(csvCell(-12.5)).toBe("-12.5");
});
