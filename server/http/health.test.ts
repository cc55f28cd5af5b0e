import { expect, test } from "vitest";
import { causeOf } from "#server/http/health.ts";

test.each([
  ["28P01", 'password authentication failed for user "smartline"', "refused"],
  ["28000", 'no pg_hba.conf entry for host "10.1.2.3", user "smartline"', "refused"],
  ["3D000", 'database "smartline" does not exist', "refused"],
  ["ECONNREFUSED", "connect ECONNREFUSED 10.1.2.3:5432", "unreachable"],
  ["57P03", "the database system is starting up", "unreachable"],
  [undefined, "no answer in 2 s", "unreachable"],
  ["55000", 'database "smartline" is not currently accepting connections', "failing"],
  [undefined, "anything else", "failing"],
])("%s (%s) is told as %j alone", (code, message, cause) => {
  expect(causeOf(Object.assign(new Error(message), code === undefined ? {} : { code }))).toBe(cause);
});
