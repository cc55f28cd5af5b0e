import type { SmsProvider } from "#server/domain/notifications/message-providers.ts";
import type { ProviderClient } from "#server/platform/http-client.ts";

/** A generic SMS provider: `POST {to, from, text}` as JSON, bearer token, `Idempotency-Key` so that a repeat is dropped. */
export function createSmsHttp(options: {
  url: string;
  token: string | null;
  sender: string;
  client: ProviderClient;
}): SmsProvider {
  return {
    name: "http",
    canSendCodes: true,
    async send({ to, body, dedupeKey }) {
      await options.client.call({
        url: options.url,
        method: "POST",
        headers: {
          "content-type": "application/json",
          "idempotency-key": dedupeKey,
          ...(options.token === null ? {} : { authorization: `Bearer ${options.token}` }),
        },
        body: JSON.stringify({ to, from: options.sender, text: body }),
      });
    },
  };
}
