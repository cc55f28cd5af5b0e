import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { createConnection } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { lastLines } from "#scripts/services/log-tail.ts";
import { findFreePort } from "#scripts/services/ports.ts";
import { describeExit, type ManagedChild, spawnChild } from "#scripts/services/process-group.ts";
import { StartupError } from "#scripts/services/startup-error.ts";
import { findOnPath, installPackage } from "#scripts/services/system-packages.ts";

const START_TIMEOUT_MS = 10_000;
const PING_TIMEOUT_MS = 3_000;

/** A private Redis, or why there is none. */
export type RedisStart = ({ kind: "running" } & RunningRedis) | { kind: "unavailable"; reason: string };

/** A running private Redis. */
export interface RunningRedis {
  url: string;
  port: number;
  pid: number | undefined;
  /** Settles when the server ends by itself or is stopped. */
  exited: ManagedChild["exited"];
  stop(): Promise<void>;
  /** For one that has ended: another with the same port, password and folder, so that {@link url} holds on. */
  startAgain(): Promise<RunningRedis>;
}

/**
 * Starts a private Redis (or Valkey) on 127.0.0.1 and a free port, in `<dataDir>/redis`, that keeps nothing on disk:
 * PostgreSQL holds the truth. `noeviction`, because BullMQ loses jobs under any other policy. Where there is no
 * redis-server and we are root on Debian or the like, it is installed.
 *
 * @throws StartupError when a server is there and does not start
 */
export async function startRedis(options: { dataDir: string; log: (line: string) => void }): Promise<RedisStart> {
  let binary = findOnPath("redis-server", "valkey-server");
  if (!binary) {
    const problem = await installPackage("redis-server", options.log);
    binary = findOnPath("redis-server");
    if (!binary) return { kind: "unavailable", reason: problem ?? "redis-server is not on the PATH" };
  }
  const port = await findFreePort();
  const password = randomBytes(24).toString("base64url");
  return { kind: "running", ...(await start({ binary, dataDir: resolve(options.dataDir), port, password })) };
}

interface Launch {
  binary: string;
  dataDir: string;
  port: number;
  password: string;
}

async function start(launch: Launch): Promise<RunningRedis> {
  const { binary, dataDir, port, password } = launch;
  const folder = join(dataDir, "redis");
  mkdirSync(folder, { recursive: true });
  const logFile = join(dataDir, "logs", "redis.log");
  const settings: [string, string][] = [
    ["bind", "127.0.0.1"],
    ["port", String(port)],
    ["protected-mode", "yes"],
    ["dir", folder],
    ["save", ""],
    ["appendonly", "no"],
    ["maxmemory-policy", "noeviction"],
    ["daemonize", "no"],
    ["requirepass", password],
  ];
  const child = spawnChild({
    name: "redis",
    command: binary,
    args: settings.flatMap(([name, value]) => [`--${name}`, value]),
    output: { file: logFile },
    stopTimeoutMs: 5_000,
  });
  const url = `redis://:${password}@127.0.0.1:${port}`;
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    if (!child.running()) {
      const words = lastLines(logFile, 3).join(" ") || describeExit(await child.exited);
      throw new StartupError(`Redis did not start: ${words} (log: ${logFile})`);
    }
    if ((await pingRedis(url)) === null) break;
    if (Date.now() > deadline) {
      await child.stop();
      throw new StartupError(`Redis was not ready within ${START_TIMEOUT_MS / 1000} s (log: ${logFile})`);
    }
    await delay(20);
  }
  return {
    url,
    port,
    pid: child.pid,
    exited: child.exited,
    stop: async () => void (await child.stop()),
    startAgain: () => start(launch),
  };
}

/** Asks a given REDIS_URL for an answer. Throws a {@link StartupError} saying what is wrong. */
export async function checkRedisUrl(url: string): Promise<void> {
  let shown: string;
  try {
    const { protocol, host } = new URL(url);
    if (protocol !== "redis:" && protocol !== "rediss:") throw new Error("not a Redis URL");
    shown = host;
  } catch {
    throw new StartupError("REDIS_URL is not of the form redis://[user:password@]host:6379[/0]");
  }
  // TLS is left to the client library; here only plain TCP is asked.
  if (url.startsWith("rediss:")) return;
  const problem = await pingRedis(url);
  if (problem) throw new StartupError(`REDIS_URL (${shown}): ${problem}`);
}

/** AUTH (when the URL has a password) and PING over a connection of its own; null when it answered, else the problem. */
function pingRedis(url: string): Promise<string | null> {
  const { hostname, port, username, password } = new URL(url);
  const commands = [["PING"]];
  if (password) {
    const credentials = username ? [decodeURIComponent(username)] : [];
    commands.unshift(["AUTH", ...credentials, decodeURIComponent(password)]);
  }
  return new Promise((resolvePing) => {
    const socket = createConnection({ host: hostname || "127.0.0.1", port: Number(port || 6379) });
    let answer = "";
    const finish = (problem: string | null) => {
      socket.destroy();
      resolvePing(problem);
    };
    socket.setTimeout(PING_TIMEOUT_MS, () => finish(`no answer within ${PING_TIMEOUT_MS / 1000} s`));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      finish(
        error.code === "ECONNREFUSED" ? "nothing listens there (connection refused)" : (error.code ?? error.message),
      ),
    );
    socket.on("close", () => finish("the connection was closed without an answer"));
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      const refusal = /^-(.*)\r\n/m.exec(answer);
      if (refusal) finish(`refused: ${refusal[1]}`);
      else if (answer.includes("+PONG\r\n")) finish(null);
    });
    socket.write(commands.map(encodeCommand).join(""));
  });
}

function encodeCommand(words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}
