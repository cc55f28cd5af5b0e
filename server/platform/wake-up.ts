import type { Pool } from "pg";

export const OUTBOX_CHANNEL = "smartline_outbox";
const NOTIFY_EVERY_MS = 10;

/**
 * Tells the relays of all processes that the outbox has rows. Not by NOTIFY inside the transaction: that takes a lock
 * of the whole database at commit and would put all accepts in one line. A notification after the commit, at most one
 * per 10 ms and process, does as well: the relay polls besides, so a lost one costs a second.
 */
export function createOutboxWakeUp(pool: Pool): { readonly wake: () => void; readonly close: () => void } {
  let timer: NodeJS.Timeout | null = null;
  let closed = false;
  const send = () => {
    timer = null;
    if (closed) return;
    pool
      .query({ name: "outbox-notify", text: "SELECT pg_notify($1, '')", values: [OUTBOX_CHANNEL] })
      .catch(() => undefined);
  };
  return {
    wake: () => {
      if (!closed) timer ??= setTimeout(send, NOTIFY_EVERY_MS);
    },
    close: () => {
      closed = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
