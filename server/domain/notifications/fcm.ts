import { importPKCS8, SignJWT } from "jose";
import type { PushProvider } from "#server/domain/notifications/message-providers.ts";
import { type ProviderClient, ProviderError } from "#server/platform/http-client.ts";

export interface FcmAccount {
  readonly project_id: string;
  readonly client_email: string;
  readonly private_key: string;
  readonly token_uri: string;
}

const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
/** A Google access token lives an hour; it is renewed this long before. */
const RENEW_BEFORE_MS = 5 * 60_000;

/**
 * FCM HTTP v1 (`POST /v1/projects/{id}/messages:send`) with a service account. FCM has no idempotency key: a repeat
 * carries the same Android tag and APNs collapse id, so that the phone shows it once, and `messageId` for the app.
 */
export function createFcm(options: { account: FcmAccount; baseUrl: string; client: ProviderClient }): PushProvider {
  const { account, client } = options;
  let cached: { token: string; expiresAt: number } | null = null;

  async function accessToken(): Promise<string> {
    if (cached !== null && cached.expiresAt - RENEW_BEFORE_MS > Date.now()) return cached.token;
    const key = await importPKCS8(account.private_key, "RS256");
    const assertion = await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: "RS256" })
      .setIssuer(account.client_email)
      .setAudience(account.token_uri)
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(key);
    const body = new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion,
    }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const answer = (await client.call({ url: account.token_uri, method: "POST", headers, body })) as {
      access_token?: string;
      expires_in?: number;
    } | null;
    if (typeof answer?.access_token !== "string")
      throw new ProviderError("the token endpoint gave no access token", { permanent: false });
    cached = { token: answer.access_token, expiresAt: Date.now() + (answer.expires_in ?? 3600) * 1000 };
    return cached.token;
  }

  return {
    name: "fcm",
    async send({ token, title, body, data, dedupeKey }) {
      if (token === null) throw new ProviderError("the phone has no push token", { permanent: true });
      const tag = dedupeKey.slice(-64);
      const message = {
        token,
        notification: { title, body },
        data: { ...data, messageId: dedupeKey },
        android: { priority: "high", notification: { tag } },
        apns: { headers: { "apns-priority": "10", "apns-collapse-id": tag } },
      };
      const send = async () =>
        client.call({
          url: `${options.baseUrl}/v1/projects/${account.project_id}/messages:send`,
          method: "POST",
          headers: { authorization: `Bearer ${await accessToken()}`, "content-type": "application/json" },
          body: JSON.stringify({ message }),
        });
      try {
        await send();
      } catch (error) {
        // The access token was revoked before its hour was over: sign in again, once.
        if (!(error instanceof ProviderError) || error.status !== 401) throw error;
        cached = null;
        await send();
      }
    },
  };
}
