import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { guardProcessGroup, releaseProcessGroup } from "#scripts/services/process-guard.ts";

/** How a child process is started. */
export interface ChildOptions {
  /** Used in messages. */
  name: string;
  command: string;
  args: readonly string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Run as this user and group (root only). */
  user?: { uid: number; gid: number };
  /** Where stdout and stderr go: appended to a file, line by line to a function, straight to ours, or dropped. */
  output: { file: string } | { lines: (line: string) => void } | "inherit" | "ignore";
  /** Asks the child to end; default SIGTERM. */
  stopSignal?: NodeJS.Signals;
  /** Milliseconds from `stopSignal` to `killSignal`; default 10,000. */
  stopTimeoutMs?: number;
  /** Ends a child that did not go when asked; default SIGKILL. */
  killSignal?: NodeJS.Signals;
}

/** How a child ended. `code` is null when a signal ended it or it never started. */
export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  error?: Error;
}

/** A child process of ours and all that it starts in its process group. */
export interface ManagedChild {
  readonly name: string;
  readonly pid: number | undefined;
  /** Settles when the child has ended; never rejects. */
  readonly exited: Promise<ChildExit>;
  running(): boolean;
  /** Asks the child to end, waits, then ends it. Resolves when it is gone; safe to call again. */
  stop(): Promise<ChildExit>;
}

/** Words for a child's end: `exit code 1`, `signal SIGKILL`, or why it did not start. */
export function describeExit(exit: ChildExit): string {
  if (exit.error) return exit.error.message;
  return exit.signal ? `signal ${exit.signal}` : `exit code ${exit.code}`;
}

/**
 * Starts a child in a process group of its own: Ctrl-C at the terminal then reaches us alone, and we stop the children in
 * the order that keeps data whole. The guard stops whatever is left if we end without doing so.
 */
export function spawnChild(options: ChildOptions): ManagedChild {
  const { name, output, stopSignal = "SIGTERM", stopTimeoutMs = 10_000, killSignal = "SIGKILL" } = options;
  const child = spawnProcess(options);
  if (typeof output === "object" && "lines" in output) forwardLines(child, output.lines);

  const { pid } = child;
  let ended = pid === undefined;
  if (pid !== undefined) guardProcessGroup(pid, stopSignal);
  const exited = new Promise<ChildExit>((resolve) => {
    const settle = (exit: ChildExit) => {
      if (!ended && pid !== undefined) {
        // What the child started and left behind goes with it.
        signalGroup(pid, "SIGKILL");
        releaseProcessGroup(pid);
      }
      ended = true;
      resolve(exit);
    };
    child.once("error", (error) => settle({ code: null, signal: null, error }));
    // With lines to forward, the end is when the last of them has arrived.
    child.once(typeof output === "object" && "lines" in output ? "close" : "exit", (code, signal) =>
      settle({ code, signal }),
    );
  });

  let stopping: Promise<ChildExit> | undefined;
  const stop = async () => {
    if (ended || pid === undefined) return exited;
    signalGroup(pid, stopSignal);
    const timer = setTimeout(() => signalGroup(pid, killSignal), stopTimeoutMs);
    // A last resort for a kill signal that can itself be caught, as PostgreSQL's SIGQUIT.
    const lastResort = setTimeout(() => signalGroup(pid, "SIGKILL"), stopTimeoutMs + 5_000);
    const exit = await exited;
    clearTimeout(timer);
    clearTimeout(lastResort);
    return exit;
  };
  return {
    name,
    pid,
    exited,
    running: () => !ended,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

function spawnProcess({ command, args, env, cwd, user, output }: ChildOptions): ChildProcess {
  let file: number | undefined;
  if (typeof output === "object" && "file" in output) {
    mkdirSync(dirname(output.file), { recursive: true });
    file = openSync(output.file, "a", 0o640);
  }
  const sink = file ?? (typeof output === "string" ? output : "pipe");
  try {
    return spawn(command, [...args], {
      env: env ?? process.env,
      ...(cwd ? { cwd } : {}),
      ...user,
      stdio: ["ignore", sink, sink],
      detached: true,
    });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function forwardLines(child: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on("line", onLine);
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already.
  }
}

/**
 * Runs `stop` once on the first SIGINT, SIGTERM or SIGHUP and then exits with its result. Later signals are swallowed:
 * npm, the shell and the terminal each pass the same Ctrl-C on, and every stop has its own deadline.
 */
export function onTermination(stop: (signal: NodeJS.Signals) => Promise<number>): void {
  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      stop(signal).then(
        (code) => process.exit(code),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
    });
  }
}
