import { auditFilterSchema } from "#server/contracts/audit.ts";
import { GATEWAYS } from "#server/contracts/payments.ts";
import { OLDER_PATHS } from "#server/http/compat.ts";
import { answerHeaders, problems, REQUEST_ID_HEADER } from "./answers.ts";
import type { JsonSchema, SchemaWriter } from "./schemas.ts";

const TRIP_ID = "01990f3e-6c1a-7b52-8a4e-3d1f5b7c9e21";
const text = { type: "string" };
const json = (schema: JsonSchema, example: unknown) => ({ "application/json": { schema, example } });
const object = (properties: Record<string, JsonSchema>, required = Object.keys(properties)): JsonSchema => ({
  type: "object",
  properties,
  required,
});

/** Answers of the older paths; the trip in `data` is described by the newer paths. */
export const OLD_SCHEMAS = {
  OlderAnswer: object(
    {
      response_code: text,
      message: text,
      success: { type: "boolean" },
      already_accepted: { type: "boolean" },
      data: { type: ["object", "null"], description: "The trip, in the older apps' names." },
    },
    ["response_code", "message"],
  ),
  OlderError: object(
    {
      response_code: text,
      message: text,
      errors: { type: "array", items: object({ error_code: text, message: text }) },
      retry_after: { type: "integer" },
    },
    ["response_code", "message"],
  ),
};

/** The paths of apps already on people's phones. */
function olderPaths(writer: SchemaWriter): Record<string, unknown> {
  const paths: Record<string, unknown> = {};
  const error = (description: string, code: string, message: string) => ({
    description,
    headers: REQUEST_ID_HEADER,
    content: json({ $ref: "#/components/schemas/OlderError" }, { response_code: code, message }),
  });
  for (const { path, summary, instead, schema, example, taken } of OLDER_PATHS) {
    paths[path] = {
      post: {
        tags: ["Older paths"],
        operationId: `older${path.replaceAll(/[/_-](\w)/g, (_, letter: string) => letter.toUpperCase())}`.replace(
          "Api",
          "",
        ),
        summary,
        description: `For builds that call it already. New builds call \`${instead}\`. Unknown fields are ignored here, and errors have the older shape.`,
        deprecated: true,
        security: [{ bearer: [] }],
        requestBody: { required: true, content: json(writer.write(schema, "input"), example) },
        responses: {
          200: {
            description: "Done.",
            headers: answerHeaders(false),
            content: json(
              { $ref: "#/components/schemas/OlderAnswer" },
              { response_code: "default_200", message: "Done", data: { id: TRIP_ID } },
            ),
          },
          400: error("The request is not valid.", "validation_failed_400", "The request is not valid; see errors."),
          401: error("Sign in first.", "unauthenticated_401", "Sign in first."),
          ...(taken === null
            ? {}
            : {
                [taken]: error(
                  "Another driver has this trip.",
                  `trip_already_assigned_${taken}`,
                  "Another driver has this trip.",
                ),
              }),
          429: error("Too many requests.", "rate_limit_exceeded", "Too many requests. Please try again in 30 seconds."),
        },
      },
    };
  }
  return paths;
}

const WEBHOOKS = {
  "/api/webhooks/{gateway}": {
    post: {
      tags: ["Webhooks"],
      operationId: "receiveWebhook",
      summary: "An event from a payment gateway",
      description:
        "Called by gateways. The bytes are verified as the gateway signs them (1 MiB at most), stored once, and processed afterwards. Each gateway sends its signature in its own header.",
      security: [],
      parameters: [
        { name: "gateway", in: "path", required: true, schema: { type: "string", enum: GATEWAYS }, example: "stripe" },
      ],
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: { type: "object" },
            example: { id: "evt_1", type: "payment_intent.succeeded" },
          },
          "application/x-www-form-urlencoded": { schema: text, example: "tran_id=T1&status=VALID" },
          "text/plain": { schema: text, example: '{"Type":"Notification"}' },
        },
      },
      responses: {
        200: {
          description: "Stored now, or before.",
          headers: REQUEST_ID_HEADER,
          content: json(object({ status: { type: "string", enum: ["received", "duplicate"] } }), {
            status: "received",
          }),
        },
        ...problems([400, 404, 413, 429, 503]),
      },
    },
  },
};

const plain = (description: string, example: string) => ({
  description,
  headers: REQUEST_ID_HEADER,
  content: { "text/plain": { schema: text, example } },
});

const readiness = (description: string, status: string, postgres: string) => ({
  description,
  headers: REQUEST_ID_HEADER,
  content: json(
    { $ref: "#/components/schemas/Readiness" },
    {
      status,
      dependencies: { postgres: { status: postgres, latencyMs: 0.4 }, redis: { status: "up", latencyMs: 0.2 } },
      providers: { push: "recorder", sms: "recorder" },
    },
  ),
});

const HEALTH = {
  "/health/live": {
    get: {
      tags: ["Operations"],
      operationId: "live",
      summary: "Whether the process runs",
      security: [],
      responses: {
        200: {
          description: "It does.",
          headers: REQUEST_ID_HEADER,
          content: json(object({ status: text }), { status: "live" }),
        },
        ...problems([405]),
      },
    },
  },
  "/health/ready": {
    get: {
      tags: ["Operations"],
      operationId: "ready",
      summary: "Whether to send it traffic",
      description:
        "Each dependency with its latency in milliseconds. Without Redis the platform is `degraded` and works; without PostgreSQL it is `down`.",
      security: [],
      responses: {
        200: readiness("Send it traffic.", "ready", "up"),
        503: readiness("Do not: it is stopping, or its database is away.", "down", "down"),
        ...problems([405]),
      },
    },
  },
  "/metrics": {
    get: {
      tags: ["Operations"],
      operationId: "metrics",
      summary: "Metrics, as Prometheus reads them",
      security: [{ metricsToken: [] }],
      responses: {
        200: plain("The metrics.", "http_requests_total 1\n"),
        401: plain("Neither loopback nor the token.", "metrics need a bearer token\n"),
      },
    },
  },
};

export const READINESS = object({
  status: { type: "string", enum: ["ready", "degraded", "down", "stopping"] },
  dependencies: {
    type: "object",
    additionalProperties: object(
      {
        status: { type: "string", enum: ["up", "down", "standalone", "degraded"] },
        latencyMs: { type: ["number", "null"] },
        detail: text,
      },
      ["status", "latencyMs"],
    ),
  },
  providers: { type: "object", additionalProperties: text },
});

const PLAIN_GETS = (
  [
    ["/api/openapi.json", "openapi", "This document", "application/json", { openapi: "3.1.0" }],
    ["/api/docs", "docs", "The reference for people", "text/html", "<!doctype html>"],
    [
      "/.well-known/security.txt",
      "securityTxt",
      "Where to report a weakness (RFC 9116)",
      "text/plain",
      "Contact: mailto:security@smartline.example\n",
    ],
    ["/robots.txt", "robots", "That robots stay out", "text/plain", "User-agent: *\nDisallow: /\n"],
  ] as const
).map(([path, operationId, summary, type, example]) => [
  path,
  {
    get: {
      tags: ["Operations"],
      operationId,
      summary,
      security: [],
      responses: {
        200: {
          description: summary,
          headers: REQUEST_ID_HEADER,
          content: { [type]: { schema: { type: type === "application/json" ? "object" : "string" }, example } },
        },
        ...problems([405]),
      },
    },
  },
]);

/** For operators' tools, by token; the console downloads it with its session. */
function auditExport(writer: SchemaWriter): Record<string, unknown> {
  const { properties = {} } = writer.write(auditFilterSchema, "input") as { properties?: Record<string, JsonSchema> };
  const format = { type: "string", enum: ["csv", "jsonl"] };
  const parameters = [
    { name: "format", in: "query", required: true, schema: format, example: "csv" },
    ...Object.entries(properties).map(([name, schema]) => ({ name, in: "query", schema })),
  ];
  const row = { id: TRIP_ID, action: "lock.release", reason: "the accept died" };
  return {
    "/api/ops/audit/export": {
      get: {
        tags: ["Operations"],
        operationId: "exportAudit",
        summary: "The audit log as a file",
        description: "For operators with `audit.view`. Streamed, newest first; the export itself is logged.",
        security: [{ bearer: [] }],
        parameters,
        responses: {
          200: {
            description: "The rows.",
            headers: REQUEST_ID_HEADER,
            content: {
              "text/csv": { schema: text, example: "time,person,action\r\n" },
              "application/x-ndjson": { schema: text, example: `${JSON.stringify(row)}\n` },
            },
          },
          ...problems([400, 401, 403, 429, 503]),
        },
      },
    },
  };
}

const count: JsonSchema = { type: "integer" };
const SOCKET_STATS_SCHEMA = object({
  connections: object({ total: count, byRole: { type: "object", additionalProperties: count } }),
  activeDrivers: count,
  activeUsers: count,
  messagesPerSecond: object({ received: { type: "number" }, sent: { type: "number" } }),
  drops: count,
  servers: { type: "array", items: { type: "object" } },
});
const SOCKET_STATS = {
  "/ws/stats": {
    get: {
      tags: ["Operations"],
      operationId: "socketStats",
      summary: "Who is connected, over all gateways",
      description: "For operators with `drivers.view`.",
      security: [{ bearer: [] }],
      responses: {
        200: {
          description: "Connections by role, people, messages a second as the gateways last told.",
          headers: REQUEST_ID_HEADER,
          content: json(SOCKET_STATS_SCHEMA, {
            connections: { total: 3, byRole: { driver: 2, customer: 1 } },
            activeDrivers: 2,
            activeUsers: 1,
            messagesPerSecond: { received: 0.4, sent: 1.2 },
            drops: 0,
            servers: [],
          }),
        },
        ...problems([401, 403, 429, 503]),
      },
    },
  },
};

/** All that is not a procedure's REST door. */
export const otherPaths = (writer: SchemaWriter): Record<string, unknown> => ({
  ...WEBHOOKS,
  ...HEALTH,
  ...Object.fromEntries(PLAIN_GETS),
  ...auditExport(writer),
  ...SOCKET_STATS,
  ...olderPaths(writer),
});
