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
  /** Geo set of the free drivers of a vehicle category. */
  readonly driversNear: (categoryId: string) => string;
  /** Hash: driver → `<version>:<category>`, the category empty while the driver is not free. */
  readonly driversState: string;
  /** There while the index is whole and followed; it expires when nobody follows. */
  readonly driversBuilt: string;
  /** The token of who builds the index now. */
  readonly driversBuilding: string;
  readonly busChannel: (channel: string) => string;
  /** Where a kept channel stands, and its last messages. */
  readonly busHistory: (channel: string) => { readonly position: string; readonly kept: string };
  /** Counts up when a process was alone: what was kept before is not continued. */
  readonly busEra: string;
  /** The run of the Redis server in which the era began. */
  readonly busServer: string;
  /** Sorted set of a person's connections, each with the time when it is to be forgotten. */
  readonly socketsOf: (userId: string) => string;
  /** Sorted set of the drivers who look at a trip's offer, each with the time when they are taken to have left. */
  readonly viewersOf: (tripId: string) => string;
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
    driversNear: (categoryId) => `${prefix}drivers:near:${categoryId}`,
    driversState: `${prefix}drivers:state`,
    driversBuilt: `${prefix}drivers:built`,
    driversBuilding: `${prefix}drivers:building`,
    busChannel: (channel) => `${prefix}bus:${channel}`,
    busHistory: (channel) => ({ position: `${prefix}at:${channel}`, kept: `${prefix}kept:${channel}` }),
    busEra: `${prefix}bus-era`,
    busServer: `${prefix}bus-server`,
    socketsOf: (userId) => `${prefix}sockets:${userId}`,
    viewersOf: (tripId) => `${prefix}viewers:${tripId}`,
    queuePrefix: `${prefix}jobs`,
  };
}
