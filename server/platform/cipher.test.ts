import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { type Cell, Cipher, derivedKey } from "#server/platform/cipher.ts";

const key = (id: string) => ({ id, key: randomBytes(32) });
const cell = { table: "operator_totp", column: "secret", rowId: "a" } as const;

test("what is encrypted is read again, and is never twice the same", () => {
  const cipher = new Cipher([key("k1")]);
  const [one, two] = [cipher.encrypt("29801011234567", cell), cipher.encrypt("29801011234567", cell)];
  expect(one).not.toBe(two);
  expect(one).not.toContain("2980");
  expect([cipher.decrypt(one, cell), cipher.decrypt(two, cell)]).toEqual(["29801011234567", "29801011234567"]);
});

test("a changed bit anywhere is refused", () => {
  const cipher = new Cipher([key("k1")]);
  const stored = cipher.encrypt("secret", cell);
  const at = stored.lastIndexOf(".") + 1;
  const body = Buffer.from(stored.slice(at), "base64url");
  for (let i = 0; i < body.length; i++) {
    const forged = Buffer.from(body);
    forged[i] = (forged[i] ?? 0) ^ 1;
    expect(() => cipher.decrypt(stored.slice(0, at) + forged.toString("base64url"), cell)).toThrow();
  }
  expect(() => cipher.decrypt(stored.slice(0, at + 8), cell)).toThrow("cut off");
  expect(() => cipher.decrypt("plain", cell)).toThrow("not an encrypted value");
});

test.each([
  ["another row", { ...cell, rowId: "b" }],
  ["another column", { ...cell, column: "other" } as unknown as Cell],
  ["another table", { ...cell, table: "users" } as unknown as Cell],
])("moved to %s it does not open", (_where, elsewhere) => {
  const cipher = new Cipher([key("k1")]);
  expect(() => cipher.decrypt(cipher.encrypt("secret", cell), elsewhere)).toThrow();
});

test("old keys read, the first one writes; without its key a value says which is missing", () => {
  const [old, fresh] = [key("k1"), key("k2")];
  const stored = new Cipher([old]).encrypt("secret", cell);
  const both = new Cipher([fresh, old]);
  expect(both.decrypt(stored, cell)).toBe("secret");
  expect(both.encrypt("secret", cell).startsWith("enc.k2.")).toBe(true);
  expect(() => new Cipher([fresh]).decrypt(stored, cell)).toThrow('under "k1"');
});

test("the derived key is the same for the same secret only", () => {
  const stored = new Cipher([derivedKey("one secret")]).encrypt("x", cell);
  expect(new Cipher([derivedKey("one secret")]).decrypt(stored, cell)).toBe("x");
  expect(() => new Cipher([derivedKey("another secret")]).decrypt(stored, cell)).toThrow();
});

test("mutation: a column that is not on the list of sealed ones does not compile", () => {
  const cipher = new Cipher([key("k1")]);
  // @ts-expect-error `keys:rotate` would never find it
  const forgotten = cipher.encrypt("secret", { table: "users", column: "email", rowId: "a" });
  expect(forgotten).toMatch(/^enc\./);
});
