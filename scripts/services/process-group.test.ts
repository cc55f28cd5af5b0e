import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { spawnChild } from "#scripts/services/process-group.ts";
import { processStatus } from "#scripts/services/process-status.ts";

const isAlive = (pid: number) => processStatus(pid).alive;

async function waitUntilGone(pid: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (isAlive(pid) && Date.now() < deadline) await delay(20);
}

test("a child that ignores the polite signal is killed at the deadline", async () => {
  const lines: string[] = [];
  const child = spawnChild({
    name: "stubborn",
    command: "/bin/sh",
    args: ["-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"],
    output: { lines: (line) => lines.push(line) },
    stopTimeoutMs: 100,
  });
  await expect.poll(() => lines).toEqual(["ready"]);
  expect(await child.stop()).toMatchObject({ code: null, signal: "SIGKILL" });
  expect(child.running()).toBe(false);
});

test("stopping also ends what the child has started", async () => {
  const lines: string[] = [];
  const child = spawnChild({
    name: "parent",
    command: "/bin/sh",
    args: ["-c", "sleep 300 & echo $!; wait"],
    output: { lines: (line) => lines.push(line) },
  });
  await expect.poll(() => lines.length).toBe(1);
  await child.stop();
  await waitUntilGone(Number(lines[0]));
  expect(isAlive(Number(lines[0]))).toBe(false);
});

test("a command that does not exist is an exit, not an exception", async () => {
  const child = spawnChild({ name: "none", command: "/no/such/command", args: [], output: "ignore" });
  expect((await child.exited).error?.message).toMatch(/ENOENT/);
  expect(await child.stop()).toMatchObject({ code: null });
});

test.each(["SIGKILL", "SIGTERM"] as const)("nothing outlives a parent that ends by %s", async (signal) => {
  const code = `
    import { spawnChild } from "#scripts/services/process-group.ts";
import { processStatus } from "#scripts/services/process-status.ts";
    console.log(spawnChild({ name: "x", command: "sleep", args: ["300"], output: "ignore" }).pid);
  `;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", code], {
    cwd: join(import.meta.dirname, "..", ".."),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: parent.stdout }), "line")) as [string];
  expect(isAlive(Number(line))).toBe(true);
  parent.kill(signal);
  await waitUntilGone(Number(line));
  expect(isAlive(Number(line))).toBe(false);
});
