import { createServer, type ServerResponse } from "node:http";

/** An SMS provider over HTTP that a test can make slow: how a job is caught in the middle. */
export interface FakeSmsProvider {
  /** For SMS_HTTP_URL. */
  readonly url: string;
  /** The Idempotency-Key of each request that came, in order. */
  readonly keys: readonly string[];
  /** From now on requests wait for `answerAll`. */
  hold(): void;
  answerAll(): void;
  close(): Promise<void>;
}

export async function startSmsProvider(): Promise<FakeSmsProvider> {
  const keys: string[] = [];
  let holding = false;
  let held: ServerResponse[] = [];
  const answer = (response: ServerResponse) =>
    response.writeHead(200, { "content-type": "application/json" }).end('{"status":"sent"}');
  const server = createServer((request, response) => {
    keys.push(String(request.headers["idempotency-key"]));
    request.resume().on("end", () => {
      if (holding) held.push(response);
      else answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/sms`,
    keys,
    hold: () => {
      holding = true;
    },
    answerAll: () => {
      holding = false;
      for (const response of held) answer(response);
      held = [];
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
