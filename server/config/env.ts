import { z } from "zod";
import { isNetwork } from "#server/platform/client-address.ts";
import { ROUTING_PROVIDERS, type RoutingProviderName } from "#server/platform/routing-providers.ts";
import { secretProblem, sharedSecretProblem } from "./secrets.ts";

/**
 * The only reader of process.env. Every other module takes a `Config` (or its part of one).
 * An optional integration that is not set is null, never an empty string.
 */
const flag = z
  .enum(["0", "1", "true", "false"])
  .optional()
  .transform((value) => value === "1" || value === "true");
const optionalText = z
  .string()
  .optional()
  .transform((value) => (value === undefined || value.trim() === "" ? null : value.trim()));
const integer = (fallback: number, min: number, max: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);
const MAX_SECONDS = 86_400;

const envSchema = z.object({
  NODE_ENV: z.enum(["development", "test", "production"]).default("development"),
  SMARTLINE_DEMO: flag,
  PORT: integer(3000, 0, 65_535),
  HOST: z.string().default("0.0.0.0"),
  PUBLIC_URL: optionalText.pipe(
    z.url({ protocol: /^https?$/, error: "a URL with its scheme, such as https://ops.example.com" }).nullable(),
  ),
  TRUSTED_PROXIES: z
    .string()
    .default("")
    .transform((text) => text.split(/[\s,]+/).filter((part) => part !== ""))
    .pipe(z.array(z.string().refine(isNetwork, "addresses or networks such as 10.0.0.0/8, with commas between"))),
  RATE_LIMITS: z.enum(["on", "off"]).default("on"),
  ZONE_TRIPS_PER_MINUTE: integer(6000, 1, 1_000_000),
  SHED_ABOVE_JOBS: integer(50_000, 1, 100_000_000),
  DATABASE_URL: z.string().min(1, "set DATABASE_URL, or use `npm start`, which brings its own PostgreSQL"),
  DATABASE_POOL_SIZE: integer(20, 2, 200),
  REDIS_URL: optionalText,
  REDIS_PREFIX: z.string().default(""),
  AUTH_SECRET: z.string().min(32, "set AUTH_SECRET to at least 32 characters (openssl rand -base64 48)"),
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  ENCRYPTION_KEYS: optionalText,
  METRICS_TOKEN: optionalText,
  CAPTCHA_PROVIDER: z.enum(["turnstile", "hcaptcha", "recaptcha"]).optional(),
  CAPTCHA_SITE_KEY: optionalText,
  CAPTCHA_SECRET: optionalText,
  CAPTCHA_VERIFY_URL: optionalText.pipe(z.url().nullable()),
  SECURITY_CONTACT: z
    .string()
    .regex(/^(mailto:|https:\/\/|tel:)\S+$/, "an address that starts with mailto:, https:// or tel:")
    .default("mailto:security@smartline.example"),
  SIGNED_OPERATIONS: z
    .string()
    .default("")
    .transform((text) => text.split(",").flatMap((name) => name.trim() || [])),
  NEXT_PUBLIC_MAPBOX_TOKEN: optionalText,
  NEXT_PUBLIC_MAP_STYLE_URL: optionalText,
  TRIP_LOCK_SECONDS: integer(300, 1, MAX_SECONDS),
  TRIP_SEARCH_SECONDS: integer(180, 1, MAX_SECONDS),
  TRIP_OFFER_SECONDS: integer(15, 1, 600),
  DRIVER_GRACE_SECONDS: integer(300, 1, MAX_SECONDS),
  GATEWAY_DEAD_SECONDS: integer(120, 1, MAX_SECONDS),
  ROUTING_PROVIDER: z.enum(ROUTING_PROVIDERS).optional(),
  ROUTING_URL: optionalText.pipe(z.url({ protocol: /^https?$/ }).nullable()),
  ROUTING_TOKEN: optionalText,
  FCM_SERVICE_ACCOUNT: optionalText,
  FCM_BASE_URL: z.url().default("https://fcm.googleapis.com"),
  SMS_HTTP_URL: optionalText,
  SMS_HTTP_TOKEN: optionalText,
  SMS_SENDER: z.string().default("SmartLine"),
  STRIPE_WEBHOOK_SECRET: optionalText,
  RAZORPAY_WEBHOOK_SECRET: optionalText,
  PAYSTACK_SECRET_KEY: optionalText,
  MERCADOPAGO_WEBHOOK_SECRET: optionalText,
  MERCADOPAGO_ACCESS_TOKEN: optionalText,
  MERCADOPAGO_BASE_URL: z.url().default("https://api.mercadopago.com"),
  XENDIT_CALLBACK_TOKEN: optionalText,
  IYZICO_SECRET_KEY: optionalText,
  SSLCOMMERZ_STORE_ID: optionalText,
  SSLCOMMERZ_STORE_PASSWORD: optionalText,
  SSLCOMMERZ_BASE_URL: z.url().default("https://securepay.sslcommerz.com"),
  BKASH_SNS_TOPIC_ARN: optionalText,
  SANDBOX_WEBHOOK_SECRET: optionalText,
  LOCATION_INTERVAL_MS: integer(3000, 0, 60_000),
  JOB_STALLED_SECONDS: integer(15, 1, 600),
  SHUTDOWN_SECONDS: integer(20, 1, 300),
});

const fcmAccountSchema = z.object({
  project_id: z.string(),
  client_email: z.string(),
  private_key: z.string(),
  token_uri: z.url().default("https://oauth2.googleapis.com/token"),
});

export interface Config {
  readonly production: boolean;
  readonly demo: boolean;
  /** Weaknesses that do not keep the server from starting: to be logged. */
  readonly warnings: readonly string[];
  readonly logLevel: string;
  readonly http: {
    readonly port: number;
    readonly host: string;
    readonly publicUrl: string | null;
    readonly metricsToken: string | null;
    /** Where to report a weakness: a `mailto:`, `https:` or `tel:` address. */
    readonly securityContact: string;
    /** Origins besides ours that the console's map loads from. */
    readonly mapOrigins: readonly string[];
    /** Addresses and networks whose X-Forwarded-For is believed. */
    readonly trustedProxies: readonly string[];
  };
  readonly limits: {
    readonly enabled: boolean;
    readonly zoneTripsPerMinute: number;
    /** Waiting jobs beyond which no new trip is taken. */
    readonly shedAboveJobs: number;
  };
  readonly database: { readonly url: string; readonly poolSize: number };
  readonly redis: { readonly url: string; readonly prefix: string } | null;
  readonly auth: {
    readonly secret: string;
    readonly accessTokenSeconds: number;
    readonly refreshTokenSeconds: number;
    /** Null: no CAPTCHA, only the lock-out. */
    readonly captcha: CaptchaConfig | null;
  };
  /** Of encrypted columns, the current one first; null outside production: made of the server's secret. */
  readonly encryptionKeys: readonly [EncryptionKey, ...EncryptionKey[]] | null;
  readonly assignment: { readonly lockSeconds: number; readonly groupRows: number; readonly groupsInFlight: number };
  readonly dispatch: {
    readonly searchSeconds: number;
    readonly offerSeconds: number;
    readonly driversPerBatch: number;
    readonly maxBatches: number;
    /** Metres; each ring is tried until one has a driver. */
    readonly ringsMeters: readonly number[];
  };
  readonly presence: {
    /** An idle driver without a connection is off line after this. */
    readonly graceSeconds: number;
    /** A gateway not heard of for this long is taken for dead. */
    readonly deadAfterSeconds: number;
    /** How often a gateway says that it lives, and tells of its connections. */
    readonly heartbeatMs: number;
    readonly reportMs: number;
    /** In this time every gateway that lives has said so. */
    readonly settleMs: number;
  };
  /** One position per driver in this time; faster ones are dropped without a word. */
  readonly locations: { readonly minIntervalMs: number };
  readonly jobs: { readonly stalledSeconds: number };
  readonly routing: {
    readonly provider: RoutingProviderName;
    readonly url: string;
    readonly token: string | null;
  } | null;
  readonly fcm: { readonly account: z.infer<typeof fcmAccountSchema>; readonly baseUrl: string } | null;
  readonly sms: { readonly url: string; readonly token: string | null; readonly sender: string } | null;
  /** What verifies each gateway's webhooks; a list `new,old` while one is rotated. Null: that gateway's are refused. */
  readonly webhooks: {
    readonly stripe: string | null;
    readonly razorpay: string | null;
    readonly paystack: string | null;
    readonly mercadopago: string | null;
    readonly xendit: string | null;
    readonly iyzico: string | null;
    readonly sslcommerz: { readonly storeId: string; readonly passwords: string } | null;
    readonly bkash: string | null;
    readonly sandbox: string | null;
  };
  /** Where gateways that sign no amount are asked. */
  readonly lookups: {
    readonly mercadopago: { readonly baseUrl: string; readonly accessToken: string } | null;
    readonly sslcommerz: { readonly baseUrl: string; readonly storeId: string; readonly password: string } | null;
  };
  /** Procedures (`rides.accept`) that apps must sign. */
  readonly signedOperations: ReadonlySet<string>;
  readonly shutdownSeconds: number;
}

/** The sandbox gateway's secret in the demo, so that a test event can be sent without any setting. */
const DEMO_SANDBOX_SECRET = "whsec_smartline_sandbox";
interface CaptchaConfig {
  readonly provider: "turnstile" | "hcaptcha" | "recaptcha";
  readonly siteKey: string;
  readonly secret: string;
  /** Instead of the provider's own siteverify. */
  readonly verifyUrl: string | null;
}

interface EncryptionKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

/** A configuration that cannot be used: one line for people, naming every wrong variable. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

function parseFcmAccount(text: string): z.infer<typeof fcmAccountSchema> {
  try {
    return fcmAccountSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ConfigError(
      "FCM_SERVICE_ACCOUNT is not a service account's JSON (project_id, client_email, private_key)",
      { cause },
    );
  }
}

function mapOrigins(mapboxToken: string | null, styleUrl: string | null): string[] {
  const mapbox = ["https://api.mapbox.com", "https://events.mapbox.com", "https://*.tiles.mapbox.com"];
  const style =
    styleUrl !== null && /^https?:/.test(styleUrl) && URL.canParse(styleUrl) ? [new URL(styleUrl).origin] : [];
  return [...(mapboxToken === null ? [] : mapbox), ...style];
}

/** `id:base64,id:base64`, the current key first. */
export function parseEncryptionKeys(text: string): [EncryptionKey, ...EncryptionKey[]] {
  const keys = text.split(",").map((entry): EncryptionKey => {
    const [, id, base64] = /^([A-Za-z0-9-]{1,32}):([A-Za-z0-9+/_-]+=*)$/.exec(entry.trim()) ?? [];
    const key = Buffer.from(base64 ?? "", "base64");
    if (id === undefined || key.length !== 32)
      throw new ConfigError(
        "Configuration: ENCRYPTION_KEYS: id:base64,id:base64, each 32 bytes (openssl rand -base64 32)",
      );
    return { id, key };
  });
  if (new Set(keys.map(({ id }) => id)).size < keys.length)
    throw new ConfigError("Configuration: ENCRYPTION_KEYS: two keys have the same id");
  return keys as [EncryptionKey, ...EncryptionKey[]];
}

type Env = z.infer<typeof envSchema>;

function captchaOf(e: Env): CaptchaConfig | null {
  const { CAPTCHA_PROVIDER: provider, CAPTCHA_SITE_KEY: siteKey, CAPTCHA_SECRET: secret } = e;
  if (provider === undefined) return null;
  if (siteKey === null || secret === null)
    throw new ConfigError("Configuration: CAPTCHA_PROVIDER needs CAPTCHA_SITE_KEY and CAPTCHA_SECRET");
  return { provider, siteKey, secret, verifyUrl: e.CAPTCHA_VERIFY_URL };
}

const ROUTING_URLS: Readonly<Record<RoutingProviderName, string | null>> = {
  osrm: null,
  mapbox: "https://api.mapbox.com",
  geolink: "https://api.geolink-eg.com",
};

function presenceOf({ DRIVER_GRACE_SECONDS, GATEWAY_DEAD_SECONDS }: Env): Config["presence"] {
  const heartbeatMs = Math.min(10_000, GATEWAY_DEAD_SECONDS * 250);
  return {
    graceSeconds: DRIVER_GRACE_SECONDS,
    deadAfterSeconds: GATEWAY_DEAD_SECONDS,
    ...{ heartbeatMs, reportMs: 500, settleMs: 3 * heartbeatMs },
  };
}

function routingOf({ ROUTING_PROVIDER: provider, ROUTING_URL: given, ROUTING_TOKEN: token }: Env): Config["routing"] {
  if (provider === undefined) {
    if (given !== null || token !== null)
      throw new ConfigError(`Configuration: ROUTING_PROVIDER must name one of ${ROUTING_PROVIDERS.join(", ")}`);
    return null;
  }
  const url = (given ?? ROUTING_URLS[provider])?.replace(/\/+$/, "");
  if (url === undefined) throw new ConfigError("Configuration: ROUTING_PROVIDER=osrm needs ROUTING_URL");
  if (provider !== "osrm" && token === null)
    throw new ConfigError(`Configuration: ROUTING_PROVIDER=${provider} needs ROUTING_TOKEN`);
  return { provider, url, token };
}

/** Characters at least of what others gave us, where it is set; SSLCommerz hands out short passwords. */
const SHARED_SECRETS = {
  STRIPE_WEBHOOK_SECRET: 16,
  RAZORPAY_WEBHOOK_SECRET: 16,
  PAYSTACK_SECRET_KEY: 16,
  MERCADOPAGO_WEBHOOK_SECRET: 16,
  MERCADOPAGO_ACCESS_TOKEN: 16,
  XENDIT_CALLBACK_TOKEN: 16,
  IYZICO_SECRET_KEY: 16,
  SSLCOMMERZ_STORE_PASSWORD: 10,
  SANDBOX_WEBHOOK_SECRET: 16,
  CAPTCHA_SECRET: 16,
  SMS_HTTP_TOKEN: 16,
} as const satisfies Partial<Record<keyof Env, number>>;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/;

/** The published secret is the sandbox's where nobody else's machine gets in; elsewhere only if somebody asks for it by name. */
function sandboxSecretOf(e: Env): string | null {
  if (e.SANDBOX_WEBHOOK_SECRET !== null) return e.SANDBOX_WEBHOOK_SECRET;
  return e.SMARTLINE_DEMO && LOOPBACK.test(e.HOST) ? DEMO_SANDBOX_SECRET : null;
}

/** For the log, at start; null unless this is the demo where people may take it for the real thing. */
export const demoWarning = ({ production, demo }: Pick<Config, "production" | "demo">): string | null =>
  production && demo
    ? "this is a demo (SMARTLINE_DEMO): its people, passwords and trips are published. Never put real ones in it."
    : null;

/**
 * What would leave a production server open: refused. What a provider gave us we cannot make stronger, and the demo's
 * passwords are published anyway: there it is only said. Returns what is to be said.
 */
function checkSecrets(e: Env): string[] {
  if (e.NODE_ENV !== "production") return [];
  const warnings: string[] = [];
  const problems: string[] = [];
  const weak = secretProblem(e.AUTH_SECRET);
  if (weak !== null) problems.push(`AUTH_SECRET ${weak}`);
  if (e.ENCRYPTION_KEYS === null) problems.push("ENCRYPTION_KEYS must be set (1:$(openssl rand -base64 32))");
  else if (
    parseEncryptionKeys(e.ENCRYPTION_KEYS).some(
      ({ key }) => key.toString("base64") === e.AUTH_SECRET || new Set(key).size < 12,
    )
  )
    problems.push("ENCRYPTION_KEYS holds a key that is not random (openssl rand -base64 32)");
  if (e.METRICS_TOKEN !== null && e.METRICS_TOKEN.length < 24)
    problems.push("METRICS_TOKEN must have at least 24 characters, for it opens /metrics to everyone who has it");
  for (const [name, minLength] of Object.entries(SHARED_SECRETS) as [keyof typeof SHARED_SECRETS, number][]) {
    const given = e[name];
    const problem = given === null ? null : sharedSecretProblem(given, minLength);
    if (problem !== null) warnings.push(`${name} ${problem}`);
  }
  if (!e.SMARTLINE_DEMO && e.SANDBOX_WEBHOOK_SECRET?.includes(DEMO_SANDBOX_SECRET))
    problems.push("SANDBOX_WEBHOOK_SECRET is the demo's, which is published");
  if (e.SMARTLINE_DEMO) return [...problems, ...warnings];
  if (problems.length > 0) throw new ConfigError(`Configuration: not fit for production: ${problems.join("; ")}`);
  return warnings;
}

/** Reads and checks the environment. Throws `ConfigError` naming all that is wrong at once. */
export function loadConfig(env: Readonly<Record<string, string | undefined>> = process.env): Config {
  const parsed = envSchema.safeParse(env);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new ConfigError(`Configuration: ${lines.join("; ")}`);
  }
  const e = parsed.data;
  if (e.NODE_ENV === "production" && e.RATE_LIMITS === "off")
    throw new ConfigError(
      "Configuration: RATE_LIMITS: off is for load tests on one's own machine, never for production",
    );
  const sslCommerz =
    e.SSLCOMMERZ_STORE_ID === null || e.SSLCOMMERZ_STORE_PASSWORD === null
      ? null
      : { storeId: e.SSLCOMMERZ_STORE_ID, passwords: e.SSLCOMMERZ_STORE_PASSWORD };
  const warnings = checkSecrets(e);
  return {
    production: e.NODE_ENV === "production",
    demo: e.SMARTLINE_DEMO,
    warnings,
    logLevel: e.LOG_LEVEL,
    http: {
      port: e.PORT,
      host: e.HOST,
      publicUrl: e.PUBLIC_URL,
      metricsToken: e.METRICS_TOKEN,
      securityContact: e.SECURITY_CONTACT,
      mapOrigins: mapOrigins(e.NEXT_PUBLIC_MAPBOX_TOKEN, e.NEXT_PUBLIC_MAP_STYLE_URL),
      trustedProxies: e.TRUSTED_PROXIES,
    },
    limits: {
      enabled: e.RATE_LIMITS === "on",
      zoneTripsPerMinute: e.ZONE_TRIPS_PER_MINUTE,
      shedAboveJobs: e.SHED_ABOVE_JOBS,
    },
    database: { url: e.DATABASE_URL, poolSize: e.DATABASE_POOL_SIZE },
    redis: e.REDIS_URL === null ? null : { url: e.REDIS_URL, prefix: e.REDIS_PREFIX },
    auth: {
      secret: e.AUTH_SECRET,
      accessTokenSeconds: 15 * 60,
      refreshTokenSeconds: 30 * 86_400,
      captcha: captchaOf(e),
    },
    encryptionKeys: e.ENCRYPTION_KEYS === null ? null : parseEncryptionKeys(e.ENCRYPTION_KEYS),
    assignment: { lockSeconds: e.TRIP_LOCK_SECONDS, groupRows: 64, groupsInFlight: 2 },
    dispatch: {
      searchSeconds: e.TRIP_SEARCH_SECONDS,
      offerSeconds: e.TRIP_OFFER_SECONDS,
      driversPerBatch: 5,
      maxBatches: 6,
      ringsMeters: [2000, 3000, 4000, 5000],
    },
    presence: presenceOf(e),
    locations: { minIntervalMs: e.LOCATION_INTERVAL_MS },
    jobs: { stalledSeconds: e.JOB_STALLED_SECONDS },
    routing: routingOf(e),
    fcm:
      e.FCM_SERVICE_ACCOUNT === null
        ? null
        : { account: parseFcmAccount(e.FCM_SERVICE_ACCOUNT), baseUrl: e.FCM_BASE_URL },
    sms: e.SMS_HTTP_URL === null ? null : { url: e.SMS_HTTP_URL, token: e.SMS_HTTP_TOKEN, sender: e.SMS_SENDER },
    webhooks: {
      stripe: e.STRIPE_WEBHOOK_SECRET,
      razorpay: e.RAZORPAY_WEBHOOK_SECRET,
      paystack: e.PAYSTACK_SECRET_KEY,
      mercadopago: e.MERCADOPAGO_WEBHOOK_SECRET,
      xendit: e.XENDIT_CALLBACK_TOKEN,
      iyzico: e.IYZICO_SECRET_KEY,
      sslcommerz: sslCommerz === null ? null : { storeId: sslCommerz.storeId, passwords: sslCommerz.passwords },
      bkash: e.BKASH_SNS_TOPIC_ARN,
      sandbox: sandboxSecretOf(e),
    },
    lookups: {
      mercadopago:
        e.MERCADOPAGO_ACCESS_TOKEN === null
          ? null
          : { baseUrl: e.MERCADOPAGO_BASE_URL, accessToken: e.MERCADOPAGO_ACCESS_TOKEN },
      sslcommerz:
        sslCommerz === null
          ? null
          : {
              baseUrl: e.SSLCOMMERZ_BASE_URL,
              storeId: sslCommerz.storeId,
              password: sslCommerz.passwords.split(",")[0]?.trim() ?? "",
            },
    },
    signedOperations: new Set(e.SIGNED_OPERATIONS),
    shutdownSeconds: e.SHUTDOWN_SECONDS,
  };
}
