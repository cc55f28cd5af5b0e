/**
 * Every column whose values are sealed (`platform/cipher.ts`), with the key of its table. The cipher takes no other
 * column, and `npm run keys:rotate` walks this list: what is not on it does not compile.
 */
export const SEALED_COLUMNS = [
  { table: "operator_totp", column: "secret", id: "user_id" },
  { table: "signing_keys", column: "secret", id: "id" },
  { table: "driver_details", column: "licence_number", id: "user_id" },
  { table: "driver_details", column: "identity_number", id: "user_id" },
  { table: "registrations", column: "details", id: "id" },
] as const;

export type SealedColumn = (typeof SEALED_COLUMNS)[number];
