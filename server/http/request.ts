import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Context } from "hono";
import { decode } from "next-auth/jwt";
import type { AppContext } from "#server/context.ts";
import { DomainError } from "#server/contracts/errors.ts";
import type { Grant } from "#server/domain/identity/tokens.ts";
import type { SignedRequest } from "#server/domain/signing/request-signature.ts";
import { createClientAddress } from "#server/platform/client-address.ts";
import { childWhenNeeded } from "#server/platform/logger.ts";
import type { RequestContext } from "#server/trpc/init.ts";

const SIGNATURE_HEADERS = ["x-signature-key", "x-signature-timestamp", "x-signature-nonce", "x-signature"] as const;

/** The largest body any JSON door takes. */
export const MAX_BODY_BYTES = 64 * 1024;
/** Outlines of zones are long: a file of a town's zones has half a mebibyte. Nobody else's call comes near. */
const LARGE_CALLS: Readonly<Record<string, number>> = {
  "/api/trpc/zones.save": 512 * 1024,
  "/api/trpc/zones.import": 8 * 1024 * 1024,
  "/api/trpc/zones.importPreview": 8 * 1024 * 1024,
};
export const maxBodyBytesOf = (path: string): number => LARGE_CALLS[path] ?? MAX_BODY_BYTES;
const NOTHING = Buffer.alloc(0);
const SANE_REQUEST_ID = /^[\w.:-]{1,64}$/;
const SESSION_COOKIES = ["__Secure-next-auth.session-token", "next-auth.session-token"];

export function requestIdOf(header: string | undefined): string {
  return header !== undefined && SANE_REQUEST_ID.test(header) ? header : randomUUID();
}

function cookieOf(header: string | null, name: string): string | null {
  for (const part of (header ?? "").split(";")) {
    const [key, ...value] = part.trim().split("=");
    if (key === name) return value.join("=");
  }
  return null;
}

/** The operator of a console session, read again from the database every few seconds: a role taken away is gone. */
class ConsoleSessions {
  readonly #app: AppContext;
  readonly #known = new Map<string, { readonly grant: Grant | null; readonly until: number }>();

  constructor(app: AppContext) {
    this.#app = app;
  }

  async grantOf(cookies: string | null): Promise<Grant | null> {
    const token = SESSION_COOKIES.map((name) => cookieOf(cookies, name)).find((value) => value !== null);
    if (token === undefined || token === null) return null;
    const claims = await decode({ token, secret: this.#app.config.auth.secret }).catch(() => null);
    const { id, sessionId } = claims ?? {};
    if (typeof id !== "string" || typeof sessionId !== "string") return null;
    const known = this.#known.get(sessionId);
    const fresh = known !== undefined && known.until > Date.now();
    const grant = fresh ? known.grant : await this.#app.identity.consoleGrant(id, sessionId);
    if (!fresh) this.#remember(sessionId, grant);
    return grant === null || this.#app.revocations.refusal(grant) !== null ? null : grant;
  }

  #remember(sessionId: string, grant: Grant | null): void {
    if (this.#known.size > 1000) this.#known.clear();
    this.#known.set(sessionId, { grant, until: Date.now() + 4000 });
  }
}

export type RequestContextFactory = (request: {
  readonly headers: Headers;
  readonly requestId: string;
  readonly ip: string | null;
}) => RequestContext;

/** Makes the context of one request. Whoever needs to know who asks calls `authenticate`, once. */
export function requestContexts(app: AppContext): RequestContextFactory {
  const sessions = new ConsoleSessions(app);
  return ({ headers, requestId, ip }) => {
    let asked: Promise<Grant> | null = null;
    let grant: Grant | null = null;
    const authenticate = async (): Promise<Grant> => {
      const authorization = headers.get("authorization");
      if (authorization !== null) {
        const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization)?.[1];
        if (token === undefined)
          throw new DomainError("UNAUTHENTICATED", "The Authorization header must be `Bearer <access token>`.");
        return app.tokens.read(token);
      }
      const operator = await sessions.grantOf(headers.get("cookie"));
      if (operator === null)
        throw new DomainError("UNAUTHENTICATED", "Sign in first: send `Authorization: Bearer <access token>`.");
      return operator;
    };
    return {
      app,
      requestId,
      ip,
      logger: childWhenNeeded(app.logger, { requestId }),
      userAgent: headers.get("user-agent"),
      authenticate: async () => {
        asked ??= authenticate();
        grant = await asked;
        return grant.actor;
      },
      isStillGood: () => grant === null || app.revocations.refusal(grant) === null,
      idempotencyKey: headers.get("idempotency-key"),
      signature: { request: null },
      admissions: new Map(),
      reply: { headers: {} },
    };
  };
}

export type ClientAddressOf = (c: Context) => string | null;

/** The client's address: the peer's, or the one that trusted proxies forward. */
export function clientAddresses(trustedProxies: readonly string[]): ClientAddressOf {
  const clientAddress = createClientAddress(trustedProxies);
  return (c) => {
    const incoming = (c.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined)?.incoming;
    return clientAddress(incoming?.socket?.remoteAddress ?? null, c.req.header("x-forwarded-for") ?? null);
  };
}

export const tooLarge = (maxBytes: number) =>
  new DomainError("PAYLOAD_TOO_LARGE", `A body may have ${maxBytes} bytes at most. Nothing was done.`);

/** Refuses by the announced length; a body without one is counted as it comes. */
export function assertBodySize(headers: Headers, maxBytes = MAX_BODY_BYTES): void {
  if (Number(headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

/** The body's bytes as they came. PAYLOAD_TOO_LARGE beyond `maxBytes`. */
export async function readBytes(c: Context, maxBytes = MAX_BODY_BYTES): Promise<Buffer> {
  assertBodySize(c.req.raw.headers, maxBytes);
  if (c.req.header("transfer-encoding") === undefined) {
    const { incoming } = c.env as { incoming?: IncomingMessage };
    // A small body comes with its headers: after a microtask all of it lies in the stream, though not yet marked complete.
    await null;
    const length = Number(c.req.header("content-length") ?? 0);
    if (incoming?.readableLength === length && !incoming.readableDidRead) {
      const bytes = (incoming.read() as Buffer | null) ?? NOTHING;
      // So that it ends: Hono's adapter would drain, with timers, what was left open.
      incoming.resume();
      return bytes;
    }
    return Buffer.from(await c.req.arrayBuffer());
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export const isJson = (contentType: string | undefined): boolean =>
  /^application\/(\w+\+)?json\b/i.test(contentType ?? "");

/** The request's signature with all that it covers; null when there is none. Half a signature is a wrong one. */
export function signedRequest(c: Context, body: Uint8Array): SignedRequest | null {
  const [keyId, timestamp, nonce, signature] = SIGNATURE_HEADERS.map((name) => c.req.header(name) ?? "") as [
    string,
    string,
    string,
    string,
  ];
  if (`${keyId}${timestamp}${nonce}${signature}` === "") return null;
  const { incoming } = c.env as { incoming: IncomingMessage };
  // As it came over the wire: a URL object would have written it anew.
  return { keyId, timestamp, nonce, signature, method: c.req.method, target: incoming.url ?? "/", body };
}

/**
 * The JSON object in the body; an empty body is an empty object. What signs the request is noted with its bytes.
 *
 * @param untyped also JSON that says it is something else, from who sends an Authorization header: no page of another
 * site can make a browser send one, so a form of theirs stays refused
 */
export async function readJson(
  c: Context,
  ctx: RequestContext,
  { untyped = false }: { readonly untyped?: boolean } = {},
): Promise<Record<string, unknown>> {
  const bytes = await readBytes(c);
  ctx.signature.request = signedRequest(c, bytes);
  const text = bytes.toString("utf8");
  if (text.trim() === "") return {};
  const type = c.req.header("content-type") ?? "";
  if (!isJson(type) && !(untyped && c.req.header("authorization") !== undefined))
    throw new DomainError("UNSUPPORTED_MEDIA_TYPE", `Send application/json, not "${type.slice(0, 60)}".`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DomainError(
      "VALIDATION_FAILED",
      `The body is not valid JSON: ${(cause as Error).message}. Nothing was done.`,
      { cause },
    );
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new DomainError("VALIDATION_FAILED", "The body must be a JSON object.");
  return value as Record<string, unknown>;
}
