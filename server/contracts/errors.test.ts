import { TRPCError } from "@trpc/server";
import { getHTTPStatusCodeFromError } from "@trpc/server/http";
import { describe, expect, it } from "vitest";
import { ERRORS, type ErrorCode } from "#server/contracts/errors.ts";

describe("the error table", () => {
  it.each(Object.keys(ERRORS) as ErrorCode[])("%s has one status through every door", (code) => {
    expect(getHTTPStatusCodeFromError(new TRPCError({ code: ERRORS[code].trpc }))).toBe(ERRORS[code].http);
  });

  // Copied from the public contract, not from the table.
  it.each([
    ["VALIDATION_FAILED", 400],
    ["UNAUTHENTICATED", 401],
    ["FORBIDDEN", 403],
    ["NOT_FOUND", 404],
    ["TRIP_ALREADY_ASSIGNED", 409],
    ["VERSION_CONFLICT", 409],
    ["DRIVER_NOT_AVAILABLE", 409],
    ["INVALID_TRANSITION", 409],
    ["IDEMPOTENCY_IN_PROGRESS", 409],
    ["IDEMPOTENCY_KEY_REUSED", 422],
    ["IDEMPOTENCY_KEY_REQUIRED", 400],
    ["OUTSIDE_SERVICE_AREA", 422],
    ["PAYLOAD_TOO_LARGE", 413],
    ["RATE_LIMIT_EXCEEDED", 429],
    ["HIGH_DEMAND", 503],
    ["DB_READ_ONLY", 503],
    ["GATEWAY_NOT_CONFIGURED", 503],
    ["INVALID_SIGNATURE", 400],
  ] as const)("%s is %i, as promised", (code, status) => {
    expect(ERRORS[code].http).toBe(status);
  });
});
