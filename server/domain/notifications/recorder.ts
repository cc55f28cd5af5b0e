import { newId } from "#server/contracts/ids.ts";
import type { PushProvider, SmsProvider } from "#server/domain/notifications/message-providers.ts";
import type { Database } from "#server/platform/db.ts";

/** A code to sign in with or to start a trip, or what looks like one. */
const CODE = /(?<!\d)\d{4,8}(?!\d)/g;
const withoutCodes = (text: string) => text.replace(CODE, (digits) => "•".repeat(digits.length));

/**
 * Keeps messages in the database instead of sending them: for demo and tests, and where no provider is configured.
 * Operators read them, so outside of those two it keeps no codes (`keepCodes` false): whoever reads a code can sign in
 * with it as the person it was meant for.
 */
export function createRecorder(
  db: Database,
  { keepCodes }: { readonly keepCodes: boolean },
): { readonly push: PushProvider; readonly sms: SmsProvider } {
  const kept = (text: string) => (keepCodes ? text : withoutCodes(text));
  const keptData = (data: Readonly<Record<string, string>>) =>
    keepCodes
      ? data
      : Object.fromEntries(
          Object.entries(data).map(([name, value]) => [name, /^\d+$/.test(value) ? withoutCodes(value) : value]),
        );
  const keep = async (row: {
    channel: "sms" | "push";
    recipient: string;
    title: string | null;
    body: string;
    data: Readonly<Record<string, string>>;
    tripId: string | null;
    dedupeKey: string;
  }) => {
    await db.pool.query({
      name: "message-record",
      text: `INSERT INTO recorded_messages (id, channel, recipient, title, body, data, trip_id, dedupe_key)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (dedupe_key) DO NOTHING`,
      values: [
        newId(),
        row.channel,
        row.recipient,
        row.title === null ? null : kept(row.title),
        kept(row.body),
        JSON.stringify(keptData(row.data)),
        row.tripId,
        row.dedupeKey,
      ],
    });
  };
  return {
    push: {
      name: "recorder",
      send: ({ recipient, title, body, data, tripId, dedupeKey }) =>
        keep({ channel: "push", recipient, title, body, data, tripId, dedupeKey }),
    },
    sms: {
      name: "recorder",
      canSendCodes: keepCodes,
      send: ({ to, body, tripId, dedupeKey }) =>
        keep({ channel: "sms", recipient: to, title: null, body, data: {}, tripId, dedupeKey }),
    },
  };
}
