import { expect, test } from "vitest";
import { differenceOf } from "./difference.ts";

test("names each field that changed, with what it was and is, also inside others and in lists", () => {
  const before = { status: "accepted", version: 1, who: { name: "Mona" }, permissions: ["a", "b"] };
  const after = { status: "pending", version: 1, who: { name: "Heba" }, permissions: ["b", "c"] };
  expect(differenceOf(before, after)).toEqual([
    { path: "status", before: "accepted", after: "pending" },
    { path: "who.name", before: "Mona", after: "Heba" },
    { path: "permissions", before: "a", after: "c" },
  ]);
});

test("what was made has no before, what went has no after", () => {
  expect(differenceOf(null, { role: "viewer", active: true })).toEqual([
    { path: "role", before: null, after: "viewer" },
    { path: "active", before: null, after: "true" },
  ]);
  expect(differenceOf({ title: "Night" }, null)).toEqual([{ path: "title", before: "Night", after: null }]);
});

test("lists of things are compared whole, and nothing is no difference", () => {
  expect(differenceOf(null, [{ id: "1", ok: true }])).toEqual([
    { path: "", before: null, after: '[{"id":"1","ok":true}]' },
  ]);
  expect(differenceOf({ a: 1 }, { a: 1 })).toEqual([]);
  expect(differenceOf(null, null)).toEqual([]);
});
