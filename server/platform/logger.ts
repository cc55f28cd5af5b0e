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

type Level = "debug" | "info" | "warn" | "error";

/** Where one request's lines go. */
export type LineLogger = Readonly<Record<Level, (line: object, message: string) => void>>;

/** A child that is made when it first writes: most requests write nothing, and making one costs more than a line's level. */
export function childWhenNeeded(parent: Logger, bindings: Record<string, unknown>): LineLogger {
  let child: Logger | null = null;
  const write = (level: Level) => (line: object, message: string) => {
    if (!parent.isLevelEnabled(level)) return;
    child ??= parent.child(bindings);
    child[level](line, message);
  };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}
