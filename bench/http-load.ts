import { connect, type Socket } from "node:net";
import { type Percentiles, percentilesOf } from "#scripts/replay/percentiles.ts";

/** One request of a load: ready to be written to a socket. */
export interface LoadRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly token?: string;
  readonly body?: string;
  readonly idempotencyKey?: string;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests that got no answer. */
  readonly failed: number;
  /** Milliseconds. */
  readonly latency: Latency;
}

/** Milliseconds; all zero when nothing was measured. */
export type Latency = Percentiles;
export const latencyOf = (times: readonly number[]): Latency =>
  percentilesOf(times) ?? { count: 0, p50: 0, p95: 0, p99: 0, max: 0 };

const HEAD_END = "\r\n\r\n";

function serialise(request: LoadRequest): string {
  const body = request.body ?? "";
  const auth = request.token === undefined ? "" : `Authorization: Bearer ${request.token}\r\n`;
  const type = request.body === undefined ? "" : "Content-Type: application/json\r\n";
  const key = request.idempotencyKey === undefined ? "" : `Idempotency-Key: ${request.idempotencyKey}\r\n`;
  return `${request.method} ${request.path} HTTP/1.1\r\nHost: bench\r\n${auth}${type}${key}Content-Length: ${Buffer.byteLength(body)}${HEAD_END}${body}`;
}

/** One keep-alive connection that answers one request after another. Just enough HTTP/1.1 for our own server: the load must cost less than what it measures. */
class Connection {
  readonly #socket: Socket;
  #received = "";
  #waiting: { resolve: (status: number) => void; reject: (error: Error) => void } | null = null;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (chunk: string) => this.#read(chunk));
    this.#socket.on("error", (error) => this.#waiting?.reject(error));
    this.#socket.on("close", () => this.#waiting?.reject(new Error("connection closed")));
  }

  send(request: LoadRequest): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(serialise(request));
    });
  }

  close(): void {
    this.#waiting = null;
    this.#socket.destroy();
  }

  #read(chunk: string): void {
    this.#received += chunk;
    const end = this.#received.indexOf(HEAD_END);
    if (end < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(this.#received.slice(0, end))?.[1] ?? 0);
    if (this.#received.length < end + HEAD_END.length + length) return;
    const status = Number(this.#received.slice(9, 12));
    this.#received = "";
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(status);
  }
}

/** Sends every request once over `connections` connections, each with one request under way. Ends by itself. */
export async function runLoad(
  port: number,
  requests: readonly LoadRequest[],
  connections: number,
): Promise<LoadResult> {
  const times: number[] = [];
  const statuses: Record<string, number> = {};
  let next = 0;
  let failed = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      let connection = new Connection(port);
      for (let request = requests[next++]; request !== undefined; request = requests[next++]) {
        const sent = performance.now();
        try {
          const status = await connection.send(request);
          statuses[status] = (statuses[status] ?? 0) + 1;
          times.push(performance.now() - sent);
        } catch {
          failed++;
          connection.close();
          connection = new Connection(port);
        }
      }
      connection.close();
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  return {
    requests: requests.length,
    seconds,
    perSecond: times.length / seconds,
    statuses,
    failed,
    latency: latencyOf(times),
  };
}
