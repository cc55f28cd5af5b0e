import { z } from "zod";
import type { CaptchaChallenge, CaptchaProvider } from "#server/contracts/captcha.ts";
import type { ProviderClient } from "#server/platform/http-client.ts";
import type { Logger } from "#server/platform/logger.ts";

/** They all speak the same siteverify protocol. */
export const CAPTCHA_VERIFY_URLS = {
  turnstile: "https://challenges.cloudflare.com/turnstile/v0/siteverify",
  hcaptcha: "https://api.hcaptcha.com/siteverify",
  recaptcha: "https://www.google.com/recaptcha/api/siteverify",
} as const satisfies Record<CaptchaProvider, string>;

/** Tells people from scripts. */
export interface Captcha {
  /** What an app or a page needs to draw the challenge. */
  readonly challenge: CaptchaChallenge;
  /** Whether `token` is a solved challenge. False too when the provider does not answer: then nobody knows. */
  isSolved(token: string, ip: string | null): Promise<boolean>;
}

const answerSchema = z.object({ success: z.boolean(), score: z.number().optional() });
/** reCAPTCHA v3 gives a score instead of a challenge. */
const MIN_SCORE = 0.5;

export function createCaptcha(options: {
  readonly provider: CaptchaProvider;
  readonly siteKey: string;
  readonly secret: string;
  readonly url: string;
  readonly client: ProviderClient;
  readonly logger: Logger;
}): Captcha {
  const { provider, siteKey, secret, url, client, logger } = options;
  return {
    challenge: { provider, siteKey },
    async isSolved(token, ip) {
      const form = new URLSearchParams({
        secret,
        response: token,
        sitekey: siteKey,
        ...(ip === null ? {} : { remoteip: ip }),
      });
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      try {
        const answer = answerSchema.parse(await client.call({ url, method: "POST", headers, body: form.toString() }));
        return answer.success && (answer.score ?? 1) >= MIN_SCORE;
      } catch (error) {
        logger.warn({ err: error, provider }, "the CAPTCHA could not be checked");
        return false;
      }
    },
  };
}
