import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync, statSync } from "node:fs";

/** How much of a log's end is looked at, in bytes. */
const TAIL_BYTES = 64 * 1024;
/** A log larger than this is set aside at the next start, in bytes. */
const ROTATE_BYTES = 32 * 1024 * 1024;

/** The last `count` lines of a log file, oldest first; none when there is no such file. */
export function lastLines(file: string, count: number): string[] {
  if (!existsSync(file)) return [];
  const handle = openSync(file, "r");
  try {
    const { size } = fstatSync(handle);
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(handle, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString("utf8").split("\n").filter(Boolean).slice(-count);
  } finally {
    closeSync(handle);
  }
}

/** Renames a log that has grown large to `<file>.1`, replacing the one before. Call it while nothing writes to it. */
export function rotateLog(file: string): void {
  if (existsSync(file) && statSync(file).size > ROTATE_BYTES) renameSync(file, `${file}.1`);
}
