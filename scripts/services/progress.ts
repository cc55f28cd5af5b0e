/** Seconds with one decimal, as the progress lines show them. `ms` in milliseconds. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/**
 * Runs one step and prints `✓ <what it did>  <duration>` when it is done. The step returns what it did, in words, beside
 * its value; a failure passes through unprinted, for the caller to explain.
 */
export async function step<T>(label: string, work: () => Promise<{ value: T; done?: string }>): Promise<T> {
  const started = performance.now();
  const { value, done } = await work();
  console.log(`✓ ${done ?? label}  ${seconds(performance.now() - started)}`);
  return value;
}
