import { describe, expect, it } from "vitest";
import { databaseOutage, databaseProblem } from "#server/platform/db.ts";

const withCode = (code: string, message = "x") => Object.assign(new Error(message), { code });

describe("what a database failure means", () => {
  it.each(["ECONNREFUSED", "57P01", "08006", "P1001", "P1017", "EHOSTUNREACH", "25P03"])("%s: away", (code) => {
    expect(databaseOutage(withCode(code))).toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  });
  it.each(["Connection terminated unexpectedly", "timeout exceeded when trying to connect", "Query read timeout"])(
    "%s: away",
    (message) => {
      expect(databaseOutage(new Error(message))).toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    },
  );
  it("read-only is its own answer", () => {
    expect(databaseOutage(withCode("25006"))).toMatchObject({ code: "DB_READ_ONLY" });
  });
  it("a row that is held too long is busy, not away: the others of its group go on", () => {
    expect(databaseOutage(withCode("55P03"))).toBeNull();
    expect(databaseProblem(withCode("55P03"))).toMatchObject({ code: "SERVICE_UNAVAILABLE", retryAfterSeconds: 1 });
  });
  it.each(["23505", "22P02", "42601"])("%s is a fault of ours", (code) => {
    expect(databaseProblem(withCode(code))).toBeNull();
  });
});
