import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { lastLines, rotateLog } from "#scripts/services/log-tail.ts";
import { describeExit, type ManagedChild, spawnChild } from "#scripts/services/process-group.ts";
import { StartupError } from "#scripts/services/startup-error.ts";

const READY_TIMEOUT_MS = 120_000;
/** The server closes sockets and finishes its jobs first: at most SHUTDOWN_SECONDS (20 by default) and 5 s. */
const STOP_TIMEOUT_MS = 30_000;

/** The platform's own server as a child process. */
export interface ServerProcess {
  child: ManagedChild;
  logFile: string;
}

/** Starts `server/main.ts` with all roles; its JSON log goes to `<dataDir>/logs/server.log`. */
export function spawnServer(options: { root: string; dataDir: string; env: NodeJS.ProcessEnv }): ServerProcess {
  const { root, dataDir, env } = options;
  const logFile = join(dataDir, "logs", "server.log");
  rotateLog(logFile);
  const child = spawnChild({
    name: "server",
    command: process.execPath,
    args: [join(root, "server", "main.ts"), "--roles=web,gateway,worker"],
    cwd: root,
    env,
    output: { file: logFile },
    stopTimeoutMs: STOP_TIMEOUT_MS,
  });
  return { child, logFile };
}

/**
 * Waits until GET /health/ready answers 200.
 *
 * @throws StartupError with the last log lines when the server ends before, or is not ready within two minutes
 */
export async function waitUntilServerReady({ child, logFile }: ServerProcess, baseUrl: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  let last = "no answer";
  while (Date.now() < deadline) {
    if (!child.running()) {
      throw new StartupError(
        `the server ended while starting (${describeExit(await child.exited)})${logTail(logFile)}`,
      );
    }
    try {
      const response = await fetch(`${baseUrl}/health/ready`, { signal: AbortSignal.timeout(5_000) });
      await response.arrayBuffer();
      if (response.status === 200) return;
      last = `/health/ready answers ${response.status}`;
    } catch {
      // Not listening yet.
    }
    await delay(100);
  }
  throw new StartupError(`the server was not ready within ${READY_TIMEOUT_MS / 1000} s (${last})${logTail(logFile)}`);
}

/** The end of a log for a message: where it is, and its last lines, indented. */
export function logTail(logFile: string): string {
  const lines = lastLines(logFile, 12).map((line) => `\n  ${readable(line).slice(0, 400)}`);
  return lines.length > 0 ? `; the end of ${logFile}:${lines.join("")}` : `; ${logFile} is empty`;
}

/** A pino line as `level message: error`; any other line as it is. */
function readable(line: string): string {
  try {
    const { level, msg, err } = JSON.parse(line) as {
      level?: number | string;
      msg?: string;
      err?: { message?: string };
    };
    if (level === undefined) return line;
    return [`[${level}]`, msg, err?.message && err.message !== msg ? `(${err.message})` : ""].filter(Boolean).join(" ");
  } catch {
    return line;
  }
}
