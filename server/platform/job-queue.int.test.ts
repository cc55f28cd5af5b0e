import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { newId } from "#server/contracts/ids.ts";
import {
  type JobQueue,
  type JobRunner,
  type JobToAdd,
  PermanentJobError,
  type RunningWorkers,
} from "#server/platform/job-queue.ts";
import { COORDINATIONS, createTestApp, type TestApp } from "#server/testing/harness.ts";
import { waitUntil } from "#server/testing/wait.ts";

const job = (): JobToAdd => ({ id: newId(), name: "clean-up", payload: { hour: "test" } });

describe.each(COORDINATIONS)("the job queue's contract on %s", (coordination) => {
  let t: TestApp;
  let queue: JobQueue;
  const running: RunningWorkers[] = [];
  beforeEach(async () => {
    t = await createTestApp({ coordination });
    queue = t.app.queue;
    await waitUntil("the queue answers", async () => (await queue.counts("low").catch(() => null)) !== null);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((workers) => workers.stop(5000)));
    await t.dispose();
  });
  const work = (runner: Partial<JobRunner>) => {
    const workers = queue.work({ run: async () => undefined, gaveUp: async () => undefined, ...runner });
    running.push(workers);
    return workers;
  };

  test("a job is done once, however often its id is added, also after it is done", async () => {
    const one = job();
    const ran: string[] = [];
    await queue.add([one, one]);
    await queue.add([one]);
    expect(await queue.counts("low")).toMatchObject({ waiting: 1, completed: 0, failed: 0, paused: false });
    work({ run: async ({ id }) => void ran.push(id) });
    await waitUntil("it is done", async () => (await queue.counts("low")).completed === 1);
    await queue.add([one]);
    const after = job();
    await queue.add([after]);
    await waitUntil("the next is done", async () => (await queue.counts("low")).completed === 2);
    expect(ran).toEqual([one.id, after.id]);
  });

  test("the runner gets what was added, and which try it is", async () => {
    const one = job();
    const seen: unknown[] = [];
    await queue.add([one]);
    work({ run: async (given) => void seen.push(given) });
    await waitUntil("it ran", () => seen.length === 1);
    expect(seen).toEqual([{ ...one, attempt: 1, lastAttempt: false }]);
    expect(await queue.get("low", one.id)).toMatchObject({
      id: one.id,
      name: "clean-up",
      payload: one.payload,
      maxAttempts: 4,
    });
  });

  test("a failure waits for its next try; one that cannot help is given up at once, and can be retried or discarded by hand", async () => {
    const [passing, hopeless] = [job(), job()];
    const given: string[] = [];
    let mended = false;
    work({
      run: async ({ id }) => {
        if (id === passing.id) throw new Error("not now");
        if (!mended) throw new PermanentJobError("never");
      },
      gaveUp: async (id, name, error) => void given.push(`${name} ${id} ${error.message}`),
    });
    await queue.add([passing, hopeless]);
    await waitUntil("both failed", async () => {
      const { failed, delayed } = await queue.counts("low");
      return failed === 1 && delayed === 1;
    });
    await waitUntil("it was told", () => given.length > 0);
    expect(given).toEqual([`low ${hopeless.id} never`]);
    expect(await queue.failed("low", 10)).toMatchObject([{ id: hopeless.id, state: "failed", failedReason: "never" }]);
    expect(await queue.retry("low", passing.id), "a job that waits is not failed").toBe(false);
    expect(await queue.retry("low", newId())).toBe(false);
    mended = true;
    expect(await queue.retry("low", hopeless.id)).toBe(true);
    await waitUntil("it is done", async () => (await queue.counts("low")).completed === 1);
    expect(await queue.discard("low", passing.id)).toBe(true);
    expect(await queue.discard("low", passing.id)).toBe(false);
    expect(await queue.get("low", passing.id)).toBeNull();
  });

  test("paused, nothing runs; resumed, it does", async () => {
    await queue.setPaused("low", true);
    let ran = 0;
    work({ run: async () => void ran++ });
    await queue.add([job()]);
    expect((await queue.counts("low")).paused).toBe(true);
    expect(ran).toBe(0);
    await queue.setPaused("low", false);
    await waitUntil("it ran", () => ran === 1);
  });

  test("stopping waits for what runs up to its deadline, and says when that was not enough", async () => {
    let finish = () => {};
    let started = 0;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const workers = work({
      run: async () => {
        started++;
        await finished;
      },
    });
    await queue.add([job()]);
    await waitUntil("it runs", () => started === 1);
    expect(await workers.stop(200)).toBe(1);
    finish();
  });
});
