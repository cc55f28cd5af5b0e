/** What a page needs to draw each provider's challenge; all three render in the same way, by a global of their script. */
interface CaptchaWidget {
  /** Loaded only on the sign-in page, and only when a challenge is asked for. */
  readonly script: string;
  readonly global: "turnstile" | "hcaptcha" | "grecaptcha";
  /** What the page's policy must allow besides, from the providers' own documentation. */
  readonly sources: Readonly<
    Partial<Record<"script-src" | "style-src" | "frame-src" | "connect-src", readonly string[]>>
  >;
}

const CLOUDFLARE = ["https://challenges.cloudflare.com"];
const HCAPTCHA = ["https://hcaptcha.com", "https://*.hcaptcha.com"];
const GOOGLE = ["https://www.google.com/recaptcha/", "https://recaptcha.google.com/recaptcha/"];

export const CAPTCHA_WIDGETS = {
  turnstile: {
    script: "https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit",
    global: "turnstile",
    sources: { "script-src": CLOUDFLARE, "frame-src": CLOUDFLARE, "connect-src": CLOUDFLARE },
  },
  hcaptcha: {
    script: "https://js.hcaptcha.com/1/api.js?render=explicit",
    global: "hcaptcha",
    sources: { "script-src": HCAPTCHA, "style-src": HCAPTCHA, "frame-src": HCAPTCHA, "connect-src": HCAPTCHA },
  },
  recaptcha: {
    script: "https://www.google.com/recaptcha/api.js?render=explicit",
    global: "grecaptcha",
    sources: {
      "script-src": [...GOOGLE, "https://www.gstatic.com/recaptcha/"],
      "frame-src": GOOGLE,
      "connect-src": GOOGLE,
    },
  },
} as const satisfies Record<string, CaptchaWidget>;

export type CaptchaProvider = keyof typeof CAPTCHA_WIDGETS;
export const captchaSources = (provider: CaptchaProvider): CaptchaWidget["sources"] =>
  CAPTCHA_WIDGETS[provider].sources;

/** A challenge as the server asks for it. */
export interface CaptchaChallenge {
  readonly provider: CaptchaProvider;
  readonly siteKey: string;
}

/** The challenge in what the sign-in was answered; null when there is none that could be drawn. */
export function readChallenge(more: string): CaptchaChallenge | null {
  try {
    const { captcha } = JSON.parse(more) as { captcha?: Partial<CaptchaChallenge> };
    const { provider, siteKey } = captcha ?? {};
    const known = provider !== undefined && Object.hasOwn(CAPTCHA_WIDGETS, provider);
    return known && typeof siteKey === "string" ? { provider, siteKey } : null;
  } catch {
    return null;
  }
}
