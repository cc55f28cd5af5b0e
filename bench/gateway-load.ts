/** A process of simulated apps: orders come from its parent, reports go back. */
import { WebSocket } from "ws";
import type { LoadOrder, LoadReport, Person } from "./gateway-protocol.ts";

const CONNECTING_AT_ONCE = 100;
const report = (message: LoadReport) => process.send?.(message);

class App {
  readonly socket: WebSocket;
  readonly ready: Promise<void>;
  positions = 0;
  pongs = 0;
  errors = 0;
  onPong: () => void = () => undefined;
  onEvent: (n: number) => void = () => undefined;
  #n = 0;

  constructor(port: number, { token }: Person, channel: string | null) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { perMessageDeflate: false });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    this.socket.on("open", () => this.socket.send(JSON.stringify({ type: "auth", token })));
    this.socket.on("error", reject);
    this.socket.on("close", (code) => reject(new Error(`closed with ${code}`)));
    this.socket.on("message", (data) => {
      const frame = JSON.parse(data.toString()) as { type: string; event?: string; data?: { n: number } };
      if (frame.type === "pong") {
        this.pongs++;
        this.onPong();
      } else if (frame.type === "ready") {
        if (channel === null) resolve();
        else this.socket.send(JSON.stringify({ type: "subscribe", channel }));
      } else if (frame.type === "subscribed") resolve();
      else if (frame.event === "bench") this.onEvent(frame.data?.n ?? 0);
      else if (frame.type === "error") this.errors++;
    });
    promise.catch(() => undefined);
  }

  position(): void {
    this.#n++;
    this.positions++;
    const lat = 30.04 + (this.#n % 1000) * 1e-6;
    this.socket.send(
      `{"type":"location","lat":${lat.toFixed(6)},"lng":31.2357,"accuracy":5,"heading":${this.#n % 360},"speed":8.5}`,
    );
  }

  /** Bursts, each after the last one's pong, until `until`. */
  async flood(until: number, burst: number): Promise<void> {
    while (Date.now() < until && this.socket.readyState === this.socket.OPEN) {
      const answered = new Promise<void>((resolve) => {
        this.onPong = resolve;
        this.socket.once("close", () => resolve());
      });
      for (let n = 0; n < burst; n++) this.position();
      this.socket.send('{"type":"ping"}');
      await answered;
      this.socket.removeAllListeners("close");
    }
  }

  async pace(until: number, everyMs: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * everyMs));
    while (Date.now() < until && this.socket.readyState === this.socket.OPEN) {
      this.position();
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    const answered = new Promise<void>((resolve) => {
      this.onPong = resolve;
    });
    this.socket.send('{"type":"ping"}');
    await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 5000))]);
  }
}

let apps: App[] = [];

async function connect({ port, people, channel }: Extract<LoadOrder, { kind: "connect" }>): Promise<void> {
  const heard = new Map<number, number[]>();
  for (let from = 0; from < people.length; from += CONNECTING_AT_ONCE) {
    const some = people.slice(from, from + CONNECTING_AT_ONCE).map((person) => new App(port, person, channel));
    await Promise.all(some.map((app) => app.ready));
    apps.push(...some);
  }
  for (const app of apps)
    app.onEvent = (n) => {
      const at = heard.get(n) ?? [];
      heard.set(n, at);
      at.push(Date.now());
      if (at.length === apps.length) report({ kind: "heard", n, at });
    };
  report({ kind: "connected", count: apps.length });
}

async function load(work: (app: App, until: number) => Promise<void>, seconds: number): Promise<void> {
  const before = apps.map(({ positions, pongs, errors }) => ({ positions, pongs, errors }));
  const started = performance.now();
  const until = Date.now() + seconds * 1000;
  await Promise.all(apps.map((app) => work(app, until)));
  const sum = (name: "positions" | "pongs" | "errors") =>
    apps.reduce((total, app, i) => total + app[name] - (before[i]?.[name] ?? 0), 0);
  report({
    kind: "sent",
    positions: sum("positions"),
    pongs: sum("pongs"),
    errors: sum("errors"),
    lost: apps.filter(({ socket }) => socket.readyState !== socket.OPEN).length,
    seconds: (performance.now() - started) / 1000,
  });
}

process.on("message", (order: LoadOrder) => {
  switch (order.kind) {
    case "connect":
      return void connect(order);
    case "flood":
      return void load((app, until) => app.flood(until, order.burst), order.seconds);
    case "pace":
      return void load((app, until) => app.pace(until, order.everyMs), order.seconds);
    case "close":
      for (const { socket } of apps) socket.terminate();
      apps = [];
      process.disconnect();
  }
});
