import { join } from "node:path";
import { ROOT } from "#scripts/services/data-dir.ts";
import { type ManagedChild, spawnChild } from "#scripts/services/process-group.ts";
import { waitUntil } from "#server/testing/wait.ts";

export interface TestServer {
  readonly url: string;
  readonly pid: number;
  /** JSON lines of its log so far. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** What it said besides: a stack, when it died. */
  readonly words: readonly string[];
  /** SIGTERM; the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL: no goodbye to anyone. */
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

/** `server/main.ts` as a process of its own, without the console, on a port that the system gives. */
export async function spawnServer(options: {
  readonly roles: "web" | "worker" | "web,worker" | "web,gateway" | "gateway";
  readonly env: Readonly<Record<string, string>>;
  readonly logLevel?: "info" | "debug";
}): Promise<TestServer> {
  const log: Record<string, unknown>[] = [];
  const words: string[] = [];
  const child: ManagedChild = spawnChild({
    name: `server ${options.roles}`,
    command: process.execPath,
    args: [join(ROOT, "server", "main.ts"), `--roles=${options.roles}`, "--no-console"],
    cwd: ROOT,
    // Nothing of the test runner's own environment: what a server needs is said.
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      RATE_LIMITS: "off",
      NODE_ENV: "test",
      ...options.env,
      LOG_LEVEL: options.logLevel ?? "info",
    },
    output: {
      lines: (line) => {
        if (line.startsWith("{")) log.push(JSON.parse(line) as Record<string, unknown>);
        else words.push(line);
      },
    },
    stopTimeoutMs: 30_000,
  });
  const port = () => log.find((line) => line.msg === "listening")?.port;
  await waitUntil(
    `a server (${options.roles}) that listens`,
    () => {
      if (!child.running()) throw new Error(`the server ended: ${words.join("\n")}`);
      return port() !== undefined;
    },
    30_000,
  );
  const pid = child.pid as number;
  // A test that failed stops nothing: its servers go with the test's process.
  const killWithUs = () => process.kill(pid, "SIGKILL");
  process.once("exit", killWithUs);
  void child.exited.then(() => process.off("exit", killWithUs));
  return {
    url: `http://127.0.0.1:${port()}`,
    pid,
    log,
    words,
    stop: async () => (await child.stop()).code,
    async kill() {
      if (child.running()) process.kill(pid, "SIGKILL");
      await child.exited;
    },
    freeze: () => process.kill(pid, "SIGSTOP"),
    thaw: () => process.kill(pid, "SIGCONT"),
  };
}
