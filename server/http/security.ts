import { randomBytes } from "node:crypto";
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Config } from "#server/config/env.ts";
import { captchaSources } from "#server/contracts/captcha.ts";
import { DomainError } from "#server/contracts/errors.ts";
import { problemOf } from "#server/http/problem.ts";
import { MAX_BODY_BYTES, requestIdOf, tooLarge } from "#server/http/request.ts";
import { createClientAddress } from "#server/platform/client-address.ts";

/** The longest path with its query; a longer one is no link of ours. */
export const MAX_URL_BYTES = 8 * 1024;

/**
 * What one client can take up at most. Node refuses headers over `maxHeaderSize` (431), and answers 408 when the headers
 * or the whole request do not come in time. A stream of ours is an answer: it has no such end.
 */
export const SERVER_LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  /** Longer than the 60 s after which load balancers close an idle connection, so that ours is never the first end. */
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 2_000,
} as const;
export const MAX_CONNECTIONS = 50_000;

const YEAR_SECONDS = 365 * 86_400;
/** The one style element that cannot carry a nonce: the toasts' library adds it when it is loaded, empty, then fills it. */
export const TOAST_STYLES = [
  "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
  "'sha256-StEaX+se6YS7pqjzrzMIA0KaX9zF/8zAhvQXZAe5epY='",
];

const PERMISSIONS_POLICY = [
  "accelerometer",
  "autoplay",
  "camera",
  "display-capture",
  "geolocation",
  "gyroscope",
  "magnetometer",
  "microphone",
  "midi",
  "payment",
  "publickey-credentials-get",
  "screen-wake-lock",
  "serial",
  "usb",
  "xr-spatial-tracking",
]
  .map((feature) => `${feature}=()`)
  .join(", ");

const FIXED = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "strict-origin-when-cross-origin",
  "Permissions-Policy": PERMISSIONS_POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Robots-Tag": "noindex, nofollow",
} as const;

/** The one page that may load a CAPTCHA's script and frame, and only where one is configured. */
const SIGN_IN_PAGE = "/sign-in";

type Directives = Readonly<Record<string, readonly string[]>>;
const NOBODY_FRAMES_US: Directives = {
  "object-src": ["'none'"],
  "base-uri": ["'none'"],
  "form-action": ["'self'"],
  "frame-ancestors": ["'none'"],
};
const written = (directives: Directives) =>
  Object.entries(directives)
    .map(([name, sources]) => [name, ...sources].join(" "))
    .join("; ");

/** Data and errors: nothing in them may run, should a browser ever show one as a page. */
const DATA_POLICY = written({ "default-src": ["'none'"], ...NOBODY_FRAMES_US, "form-action": ["'none'"] });
/** The reference at `/api/docs`: its scripts and styles are files of ours. It draws its icons from `data:` addresses. */
const DOCS_POLICY = written({
  "default-src": ["'none'"],
  "script-src": ["'self'"],
  "style-src": ["'self'"],
  "img-src": ["'self'", "data:"],
  "connect-src": ["'self'"],
  ...NOBODY_FRAMES_US,
});

/** Built files of the console. The map's worker is one: its own policy holds in it, and it loads the map's data. */
const assetPolicy = (mapOrigins: readonly string[]) =>
  written({ "default-src": ["'self'"], "connect-src": ["'self'", ...mapOrigins], ...NOBODY_FRAMES_US });

/**
 * The console's pages. Scripts run only with this load's nonce, or loaded by one that has it. Style elements need the
 * nonce too. `style` attributes are let through: the pages come drawn from the server, where React and Radix write a
 * width, a colour or `outline:none` into the element itself; no attribute can load or run anything.
 */
const pagePolicy = (
  nonce: string,
  { mapOrigins, development, besides }: { mapOrigins: readonly string[]; development: boolean; besides: Directives },
) => {
  const directives: Directives = {
    "default-src": ["'self'"],
    "script-src": [`'nonce-${nonce}'`, "'strict-dynamic'", ...(development ? ["'unsafe-eval'"] : [])],
    "style-src": ["'self'", `'nonce-${nonce}'`, ...TOAST_STYLES],
    "style-src-attr": ["'unsafe-inline'"],
    "img-src": ["'self'", "data:", "blob:", ...mapOrigins],
    "connect-src": ["'self'", ...mapOrigins],
    "worker-src": ["'self'", "blob:"],
    ...NOBODY_FRAMES_US,
  };
  const added = Object.entries(besides).map(([name, sources]) => [name, [...(directives[name] ?? []), ...sources]]);
  return written({ ...directives, ...Object.fromEntries(added) });
};

/** Whether Next answers this path: the console's pages, and next-auth, whose route is Next's. */
export const isNexts = (path: string): boolean =>
  path.startsWith("/api/auth/") || doorOf(path) === "page" || doorOf(path) === "asset";

/** Of a request's path, what answers it. */
export function doorOf(path: string): "data" | "docs" | "asset" | "page" {
  if (path === "/api/docs" || path.startsWith("/api/docs/")) return "docs";
  if (path.startsWith("/api/") || path.startsWith("/health/")) return "data";
  if (path === "/metrics" || path === "/ws/stats") return "data";
  if (path === "/robots.txt" || path.startsWith("/.well-known/")) return "data";
  return path.startsWith("/_next/static/") ? "asset" : "page";
}

type Sent = Pick<IncomingMessage, "method" | "headers">;
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Whether another site could have made the browser send this: a change that a cookie may authenticate, and that does not
 * come from a page of ours by its Origin, or by Sec-Fetch-Site where there is no Origin. A bearer token is no cookie:
 * no site can make a browser add one.
 */
export function isForged({ method, headers }: Sent, publicUrl: string | null): boolean {
  const { authorization, cookie, origin, host } = headers;
  if (SAFE_METHODS.has(method ?? "GET") || cookie === undefined || authorization !== undefined) return false;
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin") return true;
  if (origin === undefined) return site === undefined;
  const from = URL.canParse(origin) ? new URL(origin).host : null;
  return from === null || (from !== host && (publicUrl === null || from !== new URL(publicUrl).host));
}

export interface SecurityOptions {
  readonly config: Pick<Config, "production" | "http" | "auth">;
  readonly development: boolean;
}

/** An answer before any handler: no framework has seen the request, and the rest of it is not read. */
function refuse(res: ServerResponse, status: number, problem: object): false {
  const headers = { "Content-Type": "application/problem+json", "Cache-Control": "no-store", Connection: "close" };
  res.writeHead(status, headers).end(JSON.stringify(problem));
  return false;
}

/** For what is no request of ours at all: HTTP's own words say it. */
const bareProblem = (status: number, title: string) => ({ type: "about:blank", title, status });

/**
 * Calls `onExcess`, once, when more of the body has come than `maxBytes`; what comes from then on is dropped. Whoever
 * reads the body does so as if nobody had counted: listening for its data here would set it flowing before they are there.
 */
function countBody(req: IncomingMessage, maxBytes: number, onExcess: () => void): void {
  let size = 0;
  const push = req.push.bind(req);
  req.push = (chunk: Buffer | null, encoding) => {
    const within = size <= maxBytes;
    size += chunk?.length ?? 0;
    if (size <= maxBytes) return push(chunk, encoding);
    if (within) onExcess();
    return true;
  };
}

/** A path of the server's own that can be read: not `*`, nor another host's address, nor half an escaped letter. */
function isReadable(path: string): boolean {
  if (!path.startsWith("/")) return false;
  if (!path.includes("%")) return true;
  try {
    return decodeURIComponent(path) !== "";
  } catch {
    return false;
  }
}

const UNREADABLE = new DomainError("VALIDATION_FAILED", "The path could not be read.");
const FORGED = new DomainError(
  "FORBIDDEN",
  "A change that a cookie authenticates must come from a page of this console (its Origin). Apps send a bearer token and no cookie.",
);

const HELD = Symbol("headers held back");
type Holding = ServerResponse & { [HELD]?: readonly string[] };

/**
 * Sets headers when the answer is begun, whoever begins it. `writeHeldHead` then writes them as they are: Node checks and
 * copies each header that is set, and once more as it is written.
 */
function holdBack(res: Holding, headers: readonly string[]): void {
  res[HELD] = headers;
  res.writeHead = (...head: unknown[]) => {
    Reflect.deleteProperty(res, "writeHead");
    for (let i = 0; i < headers.length; i += 2) {
      const [name, value] = headers.slice(i, i + 2) as [string, string];
      if (!res.hasHeader(name)) res.setHeader(name, value);
    }
    return res.writeHead(...(head as [number]));
  };
}

/** Begins an answer with what the guard holds back, and these: names and values in turn, each name once. */
export function writeHeldHead(res: ServerResponse, status: number, headers: readonly string[]): void {
  ServerResponse.prototype.writeHead.call(res, status, [...((res as Holding)[HELD] ?? []), ...headers]);
}

/**
 * First for every request, whatever answers it: sets the security headers and the request's id, and refuses what no
 * handler should see.
 *
 * @returns false when it has been answered
 */
export function createGuard({
  config,
  development,
}: SecurityOptions): (req: IncomingMessage, res: ServerResponse) => boolean {
  const { publicUrl, mapOrigins, trustedProxies } = config.http;
  const clientAddress = createClientAddress(trustedProxies);
  const https = config.production || publicUrl?.startsWith("https:") === true;
  const assets = assetPolicy(mapOrigins);
  const fixed: Readonly<Record<string, string>> = https
    ? { ...FIXED, "Strict-Transport-Security": `max-age=${YEAR_SECONDS}; includeSubDomains` }
    : FIXED;
  const fixedOfData = Object.entries({ ...fixed, "Content-Security-Policy": DATA_POLICY }).flat();
  const { captcha } = config.auth;
  const challenges: Directives = captcha === null ? {} : captchaSources(captcha.provider);
  const policyOf = (req: IncomingMessage, path: string): string => {
    const door = doorOf(path);
    if (door === "data") return DATA_POLICY;
    if (door === "docs") return DOCS_POLICY;
    if (door === "asset") return assets;
    const nonce = randomBytes(16).toString("base64");
    const besides = path === SIGN_IN_PAGE ? challenges : {};
    const policy = pagePolicy(nonce, { mapOrigins, development, besides });
    // Next writes the nonce that it finds here into its own scripts, and our layout hands it to the libraries' styles.
    req.headers["content-security-policy"] = policy;
    req.headers["x-nonce"] = nonce;
    return policy;
  };

  return (req, res) => {
    const url = req.url ?? "/";
    const path = url.split("?", 1)[0] ?? "/";
    const requestId = requestIdOf(req.headers["x-request-id"]?.toString());
    // For next-auth, which sees no socket and writes both into the audit log: a client's own are overwritten.
    req.headers["x-request-id"] = requestId;
    req.headers["x-client-address"] =
      clientAddress(req.socket.remoteAddress ?? null, req.headers["x-forwarded-for"]?.toString() ?? null) ?? "";
    if (doorOf(path) === "data" && !isNexts(path)) holdBack(res, [...fixedOfData, "X-Request-Id", requestId]);
    else {
      res.setHeader("X-Request-Id", requestId);
      for (const [name, value] of Object.entries(fixed)) res.setHeader(name, value);
      res.setHeader("Content-Security-Policy", policyOf(req, path));
    }
    if (url.length > MAX_URL_BYTES) return refuse(res, 414, bareProblem(414, "URI Too Long"));
    if (!isReadable(path)) return refuse(res, 400, problemOf(UNREADABLE, { instance: path, requestId }));
    if (isForged(req, publicUrl)) return refuse(res, 403, problemOf(FORGED, { instance: path, requestId }));
    if (isNexts(path)) {
      // Our own doors count what they read; Next would take it all.
      const refuseBody = () => refuse(res, 413, problemOf(tooLarge(MAX_BODY_BYTES), { instance: path, requestId }));
      if (Number(req.headers["content-length"] ?? 0) > MAX_BODY_BYTES) return refuseBody();
      countBody(req, MAX_BODY_BYTES, () => {
        if (!res.headersSent) refuseBody();
        else res.destroy();
      });
    }
    return true;
  };
}

const PARSER_ANSWERS: Readonly<Record<string, readonly [status: number, title: string]>> = {
  HPE_HEADER_OVERFLOW: [431, "Request Header Fields Too Large"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "Request Timeout"],
};

/** What is no HTTP request, or came too slowly: answered in a line, and the connection closed. */
export function refuseUnreadable(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const [status, title] = PARSER_ANSWERS[error.code ?? ""] ?? [400, "Bad Request"];
  const body = JSON.stringify(bareProblem(status, title));
  const headers = {
    ...FIXED,
    "Content-Security-Policy": DATA_POLICY,
    "Content-Type": "application/problem+json",
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-store",
    Connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${title}\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
}
