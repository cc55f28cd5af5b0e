import { type ChildProcess, spawn } from "node:child_process";

/**
 * The guard: a small shell, outside our process group, that holds the other end of a pipe and knows the process groups
 * we started. When this process ends in whatever way (a throw, a `kill -9`, an out-of-memory kill), the pipe closes and
 * the guard stops what is left: no exit handler of ours could do so after a SIGKILL.
 */
const GUARD_SCRIPT = `
trap '' INT TERM HUP
list=""
while read -r op pid sig; do
  if [ "$op" = add ]; then list="$list $pid:$sig"; continue; fi
  kept=""
  for entry in $list; do [ "\${entry%%:*}" = "$pid" ] || kept="$kept $entry"; done
  list="$kept"
done
[ -n "$list" ] || exit 0
for entry in $list; do kill -s "\${entry##*:}" -- "-\${entry%%:*}" 2>/dev/null; done
tries=0
while [ $tries -lt 100 ]; do
  alive=""
  for entry in $list; do kill -0 -- "-\${entry%%:*}" 2>/dev/null && alive=1; done
  [ -n "$alive" ] || exit 0
  sleep 0.1
  tries=$((tries + 1))
done
for entry in $list; do kill -s KILL -- "-\${entry%%:*}" 2>/dev/null; done
`;

let guard: ChildProcess | undefined;

function tell(line: string): void {
  if (!guard || guard.exitCode !== null) {
    guard = spawn("/bin/sh", ["-c", GUARD_SCRIPT], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    guard.unref();
    // Neither the guard nor its pipe may keep this process alive, and a guard that could not start must not crash it.
    guard.on("error", () => undefined);
    guard.stdin?.on("error", () => undefined);
    (guard.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  }
  guard.stdin?.write(`${line}\n`);
}

/** Puts the process group `pid` under the guard; `signal` is the one that asks it to end (SIGKILL follows after 10 s). */
export function guardProcessGroup(pid: number, signal: NodeJS.Signals): void {
  tell(`add ${pid} ${signal.replace(/^SIG/, "")}`);
}

/** Takes a process group that has ended from the guard, before its id can belong to someone else. */
export function releaseProcessGroup(pid: number): void {
  tell(`del ${pid}`);
}
