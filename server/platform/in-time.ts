const LOOK_EVERY_MS = 20;

/**
 * The answer, or an error when it has not come within about `ms`. Looks for it several times: a process too busy to read
 * it looks later, and that is no silence of the other side.
 */
export async function inTime<T>(ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    const look = (left: number) => {
      timer = setTimeout(() => {
        if (left > 1) look(left - 1);
        else setImmediate(() => reject(new Error(`no answer within ${ms} ms`)));
      }, LOOK_EVERY_MS);
    };
    look(Math.max(1, Math.round(ms / LOOK_EVERY_MS)));
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}
