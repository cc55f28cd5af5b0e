import type { Queryable } from "#server/platform/db.ts";

/** `details`: sealed. */
export async function insertRegistration(
  db: Queryable,
  wish: { readonly id: string; readonly details: string; readonly minutes: number },
): Promise<void> {
  await db.query(
    "INSERT INTO registrations (id, details, expires_at) VALUES ($1, $2, now() + make_interval(mins => $3))",
    [wish.id, wish.details, wish.minutes],
  );
}

/** The wish's sealed details; null when it is over. */
export async function findRegistration(db: Queryable, id: string): Promise<string | null> {
  const { rows } = await db.query<{ details: string }>(
    "SELECT details FROM registrations WHERE id = $1 AND expires_at > now()",
    [id],
  );
  return rows[0]?.details ?? null;
}

export async function deleteRegistration(tx: Queryable, id: string): Promise<void> {
  await tx.query("DELETE FROM registrations WHERE id = $1", [id]);
}

/** Also of an account that is closed: its phone is not free. */
export async function hasAccount(db: Queryable, phone: string): Promise<boolean> {
  const { rows } = await db.query("SELECT 1 FROM users WHERE phone = $1", [phone]);
  return rows.length > 0;
}

export async function insertAppUser(
  tx: Queryable,
  user: {
    readonly id: string;
    readonly firstName: string;
    readonly lastName: string;
    readonly phone: string;
    readonly passwordHash: string;
    readonly type: "customer" | "driver";
  },
): Promise<void> {
  await tx.query(
    "INSERT INTO users (id, first_name, last_name, phone, password_hash, user_type) VALUES ($1, $2, $3, $4, $5, $6)",
    [user.id, user.firstName, user.lastName, user.phone, user.passwordHash, user.type],
  );
}

/** A new driver is under review. The numbers: sealed, or none. */
export async function insertDriver(
  tx: Queryable,
  driver: { readonly id: string; readonly licenceNumber: string | null; readonly identityNumber: string | null },
): Promise<void> {
  await tx.query(
    "INSERT INTO driver_details (user_id, under_review, licence_number, identity_number) VALUES ($1, true, $2, $3)",
    [driver.id, driver.licenceNumber, driver.identityNumber],
  );
}
