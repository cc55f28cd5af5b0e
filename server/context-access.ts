import type { AppContext } from "#server/context.ts";

/**
 * The one context, for code that Next bundles: pages and next-auth import their own copies of every module, so they
 * must not build a context (a second set of connections) but read the process's one here.
 */
const KEY = Symbol.for("smartline.context");
type Holder = { [KEY]?: AppContext };

export function publishContext(app: AppContext): void {
  (globalThis as Holder)[KEY] = app;
}

/** Throws when called outside a process that `server/main.ts` started. */
export function serverContext(): AppContext {
  const app = (globalThis as Holder)[KEY];
  if (app === undefined) throw new Error("no server context: start the platform with server/main.ts");
  return app;
}
