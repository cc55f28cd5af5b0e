import { expect, test } from "vitest";
import { idSchema, newId, refIdOf } from "#server/contracts/ids.ts";

test("many ids of a few milliseconds: each a UUIDv7, none twice, in the order they were made", () => {
  const ids = Array.from({ length: 50_000 }, newId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(id))).toBe(true);
  expect([...ids].sort()).toEqual(ids);
  // What people read over the phone is made of the random part: the pool's bytes are not handed out twice.
  expect(new Set(ids.map(refIdOf)).size).toBe(ids.length);
});

test("an id has one spelling, however it was written: locks, groups and channels go by it", () => {
  const id = newId();
  expect(idSchema.parse(id.toUpperCase())).toBe(id);
  for (const other of [`{${id}}`, id.replaceAll("-", ""), ` ${id}`, `urn:uuid:${id}`, ""])
    expect(idSchema.safeParse(other).success, other).toBe(false);
});
