import { existsSync, readFileSync } from "node:fs";

/** Whether a process runs, and what tells it from a later one with the same pid (null where the system does not say). */
export interface ProcessStatus {
  alive: boolean;
  startedAt: string | null;
}

/**
 * Looks at a process. A zombie counts as gone: in a container whose first process does not collect them, every killed
 * child stays one, and signals go on being accepted.
 */
export function processStatus(pid: number): ProcessStatus {
  try {
    // /proc/<pid>/stat: state is field 3, the start time field 22; the name in field 2 may hold spaces and brackets.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { alive: fields[0] !== "Z" && fields[0] !== "X", startedAt: fields[19] ?? null };
  } catch {
    if (existsSync("/proc/self/stat")) return { alive: false, startedAt: null };
  }
  try {
    process.kill(pid, 0);
    return { alive: true, startedAt: null };
  } catch (error) {
    return { alive: (error as NodeJS.ErrnoException).code === "EPERM", startedAt: null };
  }
}
