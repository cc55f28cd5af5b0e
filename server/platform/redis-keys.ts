/** Every Redis key and channel has its one maker here; `prefix` keeps tests and tenants apart. */
export interface RedisKeys {
  readonly tripLock: (tripId: string) => string;
  readonly tripLockPattern: string;
  readonly tripIdOfLock: (key: string) => string;
  /** A window's counter. */
  readonly limit: (scope: string, subject: string, seconds: number) => string;
  /** That an operation has been counted: its retries are not. */
  readonly limitOnce: (scope: string, subject: string, operation: string) => string;
  readonly limitPattern: string;
  readonly busChannel: (channel: string) => string;
  /** Where a channel's history is: epoch, offset. */
  readonly busPosition: (channel: string) => string;
  readonly busEvents: (channel: string) => string;
  readonly busEra: string;
  /** BullMQ's own prefix: it adds `:<queue>:…`. */
  readonly queuePrefix: string;
}

export function redisKeys(prefix: string): RedisKeys {
  const lock = `${prefix}trip:lock:`;
  return {
    tripLock: (tripId) => lock + tripId,
    tripLockPattern: `${lock}*`,
    tripIdOfLock: (key) => key.slice(lock.length),
    limit: (scope, subject, seconds) => `${prefix}limit:${scope}:${subject}:${seconds}`,
    limitOnce: (scope, subject, operation) => `${prefix}limit:${scope}:${subject}:once:${operation}`,
    limitPattern: `${prefix}limit:*`,
    busChannel: (channel) => `${prefix}bus:${channel}`,
    busPosition: (channel) => `${prefix}history:position:${channel}`,
    busEvents: (channel) => `${prefix}history:events:${channel}`,
    busEra: `${prefix}history:era`,
    queuePrefix: `${prefix}jobs`,
  };
}
