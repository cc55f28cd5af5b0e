/** Every Redis key and channel has its one maker here; `prefix` keeps tests and tenants apart. */
export interface RedisKeys {
  readonly tripLock: (tripId: string) => string;
  readonly tripLockPattern: string;
  readonly tripIdOfLock: (key: string) => string;
  readonly busChannel: (channel: string) => string;
  /** BullMQ's own prefix: it adds `:<queue>:…`. */
  readonly queuePrefix: string;
}

export function redisKeys(prefix: string): RedisKeys {
  const lock = `${prefix}trip:lock:`;
  return {
    tripLock: (tripId) => lock + tripId,
    tripLockPattern: `${lock}*`,
    tripIdOfLock: (key) => key.slice(lock.length),
    busChannel: (channel) => `${prefix}bus:${channel}`,
    queuePrefix: `${prefix}jobs`,
  };
}
