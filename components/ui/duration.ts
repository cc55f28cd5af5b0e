/** `42 s`, `3 min 05 s`, `2 h 10 min`, `4 d`: for ages and waits. */
export function formatSeconds(total: number): string {
  const seconds = Math.max(0, Math.round(total));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return `${minutes} min ${String(seconds % 60).padStart(2, "0")} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d`;
}

/** `0.8 ms`, `14 ms`, `1.42 s`: for steps and latencies. */
export function formatMillis(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(2)} s`;
  return formatSeconds(ms / 1000);
}

export function formatMeters(meters: number): string {
  const whole = Math.round(meters);
  return whole < 1000 ? `${whole} m` : `${(whole / 1000).toFixed(1)} km`;
}
