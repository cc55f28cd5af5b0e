import { restProcedures } from "#server/http/rest.ts";
import { EXAMPLES, type Example } from "#server/trpc/routers/examples.ts";
import { answerHeaders, codesTable, HEADERS, PROBLEM_SCHEMAS, problemResponses, problems } from "./answers.ts";
import { OLD_SCHEMAS, otherPaths, READINESS } from "./other-paths.ts";
import { type JsonSchema, SchemaWriter } from "./schemas.ts";

/** Of a router, what a reader finds its calls under. */
const TAGS: Readonly<Record<string, readonly [name: string, description: string]>> = {
  auth: ["Signing in", "Tokens: an access token of 15 minutes, and a refresh token that is good for one new pair."],
  rides: ["Trips", "A trip from its request to its end, for the customer's and the driver's app."],
  driving: ["Driving", "The driver's own state: on line or off, where, and which offers are open."],
  signing: ["Signing requests", "Keys of a device, with which it signs its critical calls."],
  messages: ["Operations", "Health, metrics and what operators read."],
};
const OTHER_TAGS = [
  ["Webhooks", "What payment gateways call."],
  ["Older paths", "The calls of apps that are on people's phones already. Same engine, older names."],
] as const;

const ABOUT = `
The platform's API for the customer and driver apps. Times are ISO 8601 in UTC, money is an integer of minor units with its
currency, coordinates are degrees, distances metres and durations seconds.

**Signing in.** \`POST /api/v1/auth/login\` gives an access token for the \`Authorization: Bearer\` header.

**Retrying.** Send an \`Idempotency-Key\` with a POST, one new value for each new request: a retry with the same key and body
gets the first answer again, with \`X-Idempotent-Replay: true\`. A key is remembered for 24 hours.

**Limits.** Every answer says in \`X-RateLimit-*\` (and \`RateLimit\`) what is left of the tightest limit; a 429 says in
\`Retry-After\` how many seconds to wait.

**Signing requests.** A call may carry \`X-Signature-Key\`, \`X-Signature-Timestamp\` (seconds since 1970, within 5 minutes of ours),
\`X-Signature-Nonce\` (new for each request, 16 to 64 characters of \`A-Z a-z 0-9 _ -\`) and \`X-Signature\`: the HMAC-SHA256, in hex, with
the secret of a key from \`POST /api/v1/signing-keys\` (within 15 minutes of signing in), over these lines joined by a line feed: \`v1\`, the method, the path with its
query as sent, the SHA-256 of the body's bytes in hex, the timestamp, the nonce. A signature that is sent must be right; a setting
names the operations that are refused without one.

**Errors** are \`application/problem+json\` (RFC 9457); \`code\` is one of these.
`;

const parameter = (name: string) => ({ $ref: `#/components/parameters/${name}` });
const PARAMETERS = {
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description: "One new value (a UUID, say) for each new request, the same one when it is retried.",
    schema: { type: "string", minLength: 1, maxLength: 255 },
  },
  RequestId: {
    name: "X-Request-Id",
    in: "header",
    description: "Your own id for this request; it comes back, and is on every line of our logs.",
    schema: { type: "string", pattern: "^[\\w.:-]{1,64}$" },
  },
};
const REQUIRED_KEY = { ...PARAMETERS.IdempotencyKey, required: true };

const SECURITY_SCHEMES = {
  bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "An access token." },
  signature: {
    type: "apiKey",
    in: "header",
    name: "X-Signature",
    description: "With X-Signature-Key, X-Signature-Timestamp and X-Signature-Nonce: see *Signing requests*.",
  },
  metricsToken: { type: "apiKey", in: "header", name: "Authorization", description: "`Bearer <METRICS_TOKEN>`" },
};
/** A call takes a token alone, or a token and a signature. */
const SIGNED = { bearer: [], signature: [] };

type Door = ReturnType<typeof restProcedures>[number];

function statusesOf({ meta, openapi }: Door, takesBody: boolean): number[] {
  const post = openapi.method === "POST";
  const signedIn = meta.auth !== "public";
  const wanted: readonly (readonly [number, boolean])[] = [
    [400, true],
    [401, signedIn || openapi.path.includes("/auth/")],
    [403, signedIn],
    [404, openapi.path.includes("{")],
    [409, post && signedIn],
    [413, takesBody],
    [415, takesBody],
    [422, post && meta.idempotency !== "none"],
    [429, true],
    [500, true],
    [503, true],
  ];
  return wanted.filter(([, applies]) => applies).map(([status]) => status);
}

const without = (schema: JsonSchema, names: ReadonlySet<string>): JsonSchema => {
  const keep = ([name]: [string, unknown]) => !names.has(name);
  const required = ((schema.required ?? []) as string[]).filter((name) => !names.has(name));
  const { required: _, ...rest } = schema;
  const properties = Object.fromEntries(Object.entries(schema.properties as object).filter(keep));
  return { ...rest, properties, ...(required.length === 0 ? {} : { required }) };
};

function operation(door: Door, writer: SchemaWriter): object {
  const { path, meta, openapi } = door;
  const { inputs, output } = door.procedure._def;
  const [input] = inputs;
  const sent = input === undefined ? { properties: {} } : writer.write(input, "input");
  const properties = sent.properties as Record<string, JsonSchema>;
  const required = new Set((sent.required ?? []) as string[]);
  const inPath = new Set([...openapi.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string));
  const example: Example | undefined = EXAMPLES[path];
  const given = (example?.input ?? {}) as Record<string, unknown>;
  const get = openapi.method === "GET";

  const named = Object.entries(properties).filter(([name]) => get || inPath.has(name));
  const parameters: unknown[] = named.map(([name, { description, ...schema }]) => ({
    name,
    in: inPath.has(name) ? "path" : "query",
    ...(inPath.has(name) || required.has(name) ? { required: true } : {}),
    ...(description === undefined ? {} : { description }),
    schema,
    ...(name in given ? { example: given[name] } : {}),
  }));
  parameters.push(parameter("RequestId"));
  if (meta.idempotency === "required") parameters.push(REQUIRED_KEY);
  if (meta.idempotency === "optional") parameters.push(parameter("IdempotencyKey"));

  const body = get ? null : without(sent, inPath);
  const takesBody = body !== null && Object.keys(body.properties as object).length > 0;
  const bodyExample = Object.fromEntries(Object.entries(given).filter(([name]) => !inPath.has(name)));
  const [tag] = TAGS[path.split(".")[0] ?? ""] ?? ["Operations"];
  const signedIn = meta.auth !== "public";
  return {
    tags: [tag],
    operationId: path.replaceAll(/\.(\w)/g, (_, letter: string) => letter.toUpperCase()),
    summary: openapi.summary,
    description: example?.description ?? openapi.summary,
    security: signedIn ? [{ bearer: [] }, SIGNED] : [],
    parameters,
    ...(takesBody
      ? {
          requestBody: {
            required: ((body.required ?? []) as unknown[]).length > 0,
            content: {
              "application/json": { schema: body, ...(example === undefined ? {} : { example: bodyExample }) },
            },
          },
        }
      : {}),
    responses: {
      [String(openapi.status ?? 200)]: {
        description: openapi.summary,
        headers: answerHeaders(meta.idempotency !== "none"),
        content: {
          "application/json": {
            schema: output === undefined ? { type: "object" } : writer.write(output, "output"),
            ...(example === undefined ? {} : { example: example.output }),
          },
        },
      },
      ...problems(statusesOf(door, takesBody)),
    },
  };
}

/**
 * The API's OpenAPI 3.1 document, made of the procedures' own schemas and declarations. Built once, at start.
 *
 * @param publicUrl where apps reach the API; null: where the document was loaded from
 */
export function openApiDocument(publicUrl: string | null): Record<string, unknown> {
  const writer = new SchemaWriter();
  const paths: Record<string, Record<string, unknown>> = {};
  for (const door of restProcedures()) {
    paths[door.openapi.path] = {
      ...paths[door.openapi.path],
      [door.openapi.method.toLowerCase()]: operation(door, writer),
    };
  }
  Object.assign(paths, otherPaths(writer));
  return {
    openapi: "3.1.0",
    info: {
      title: "SmartLine API",
      version: "1.0.0",
      summary: "Requesting, offering, accepting and driving trips",
      description: `${ABOUT.trim()}\n\n<details><summary>Every code</summary>\n\n${codesTable()}\n\n</details>`,
      license: { name: "Proprietary", identifier: "LicenseRef-Proprietary" },
    },
    servers: [{ url: publicUrl?.replace(/\/$/, "") ?? "/", description: "This platform" }],
    security: [{ bearer: [] }],
    tags: [...new Map([...Object.values(TAGS), ...OTHER_TAGS])].map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: { ...writer.components, ...PROBLEM_SCHEMAS, ...OLD_SCHEMAS, Readiness: READINESS },
      responses: problemResponses(),
      headers: HEADERS,
      parameters: PARAMETERS,
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}
