import { createServer } from "node:http";

/** The gateways' own APIs that we ask about a payment: MercadoPago's and SSLCommerz's, on one port. */
export interface FakePaymentApi {
  readonly url: string;
  /** `METHOD path` of each request that came, in order, and its headers. */
  readonly asked: readonly { readonly line: string; readonly headers: Readonly<Record<string, unknown>> }[];
  /** What is answered to a path that begins with this; 404 for all else. A number is a status without a body. */
  answers: Record<string, unknown>;
  /** Requests that have been asked wait until `resume`. */
  hold(): void;
  resume(): void;
  close(): Promise<void>;
}

export async function startPaymentApi(): Promise<FakePaymentApi> {
  const asked: { line: string; headers: Record<string, unknown> }[] = [];
  let held: (() => void)[] | null = null;
  const server = createServer((request, response) => {
    asked.push({ line: `${request.method} ${request.url}`, headers: request.headers });
    const answer = () => {
      const found = Object.entries(api.answers).find(([path]) => request.url?.startsWith(path))?.[1];
      const status = found === undefined ? 404 : typeof found === "number" ? found : 200;
      response.writeHead(status, { "content-type": "application/json" });
      response.end(typeof found === "object" ? JSON.stringify(found) : "{}");
    };
    if (held === null) answer();
    else held.push(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const api: FakePaymentApi = {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    asked,
    answers: {},
    hold: () => {
      held = [];
    },
    resume: () => {
      for (const answer of held ?? []) answer();
      held = null;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return api;
}
