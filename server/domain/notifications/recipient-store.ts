import type { Queryable } from "#server/platform/db.ts";

export interface Recipient {
  readonly fcm_token: string | null;
  readonly phone: string | null;
  readonly email: string | null;
}

/** How a person can be reached; null when there is no such person. */
export async function findRecipient(db: Queryable, userId: string): Promise<Recipient | null> {
  const { rows } = await db.query<Recipient>({
    name: "message-recipient",
    text: "SELECT fcm_token, phone, email FROM users WHERE id = $1",
    values: [userId],
  });
  return rows[0] ?? null;
}
