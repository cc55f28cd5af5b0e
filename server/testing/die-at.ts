/**
 * Loaded before a server (`--import`), so that it kills itself, as `kill -9` would, at one exact point of the first
 * request that carries an Idempotency-Key. Nothing in the server knows of it.
 * DIE_AT: `claimed` (before the work), `commit` (the work done, not committed), `answer` (committed, not told).
 * FORGET=1 is the mutation: the transaction stores no result.
 */
import { ServerResponse } from "node:http";
import pg from "pg";

const { DIE_AT, FORGET } = process.env;
const die = () => process.kill(process.pid, "SIGKILL");

let claimed = false;
const query = pg.Client.prototype.query;
function textOf(asked: unknown): string {
  return typeof asked === "string" ? asked : ((asked as { text?: string } | undefined)?.text ?? "");
}
pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
  const text = textOf(args[0]);
  if (text.includes("INSERT INTO idempotency_keys")) claimed = true;
  if (claimed && DIE_AT === "claimed" && text === "BEGIN") die();
  if (claimed && DIE_AT === "commit" && text === "COMMIT") die();
  const [asked, ...rest] = args;
  const forgotten = FORGET === "1" && (asked as { name?: string }).name === "idempotency-remember";
  const sent = forgotten
    ? {
        text: "SELECT unnest($1::uuid[]), $2::uuid[], $3::int[], $4::text[]",
        values: (asked as { values: unknown }).values,
      }
    : asked;
  return Reflect.apply(query, this, [sent, ...rest]);
} as typeof query;

const writeHead = ServerResponse.prototype.writeHead;
ServerResponse.prototype.writeHead = function (this: ServerResponse, ...args: unknown[]) {
  if (claimed && DIE_AT === "answer" && this.req.headers["idempotency-key"] !== undefined) die();
  return Reflect.apply(writeHead, this, args);
} as typeof writeHead;
