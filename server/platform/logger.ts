import { type Logger as PinoLogger, pino } from "pino";
import { redacted } from "#server/platform/redact.ts";

export type Logger = PinoLogger;

/** JSON lines on stdout. Whatever might carry a secret or a person's data is cut by its key, and the written line is looked through again. */
export function createLogger(level: string, bindings: Record<string, unknown> = {}): Logger {
  return pino({
    level,
    base: bindings,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    hooks: { streamWrite: redacted },
    redact: {
      paths: [
        "*.password",
        "*.token",
        "*.accessToken",
        "*.refreshToken",
        "*.otp",
        "*.code_hash",
        "*.authorization",
        "*.cookie",
        "*.phone",
      ],
      censor: "[redacted]",
    },
  });
}
