import { newId } from "#server/contracts/ids.ts";
import type { PushProvider, SmsProvider } from "#server/domain/notifications/message-providers.ts";
import type { Database } from "#server/platform/db.ts";

/** Keeps messages in the database instead of sending them: for demo and tests, and where no provider is configured. */
export function createRecorder(db: Database): { readonly push: PushProvider; readonly sms: SmsProvider } {
  const keep = async (row: {
    channel: "sms" | "push";
    recipient: string;
    title: string | null;
    body: string;
    data: object;
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
        row.title,
        row.body,
        JSON.stringify(row.data),
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
      send: ({ to, body, tripId, dedupeKey }) =>
        keep({ channel: "sms", recipient: to, title: null, body, data: {}, tripId, dedupeKey }),
    },
  };
}
