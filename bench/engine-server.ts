/**
 * The assignment engine behind the barest HTTP server, as a process of its own: `POST /accept/<trip>/<driver>`. No token,
 * limit, key, validation or output schema: what the platform's own door costs is the difference to it.
 */
import { createServer } from "node:http";
import { loadConfig } from "#server/config/env.ts";
import { createContext } from "#server/context.ts";

const config = loadConfig();
const app = createContext(config);

async function accept(path: string): Promise<[status: number, body: string]> {
  if (path === "/health/ready") return [200, "{}"];
  const [, , tripId = "", driverId = ""] = path.split("/");
  const outcome = await app.assignment.accept({ tripId, driverId, expectedVersion: null, requestId: null });
  return [outcome.accepted ? 200 : 409, JSON.stringify(outcome)];
}

const server = createServer((request, response) => {
  request.resume();
  accept(request.url ?? "").then(
    ([status, body]) => response.writeHead(status, { "Content-Length": Buffer.byteLength(body) }).end(body),
    () => response.writeHead(500, { "Content-Length": 2 }).end("{}"),
  );
});
server.listen(config.http.port, config.http.host);
process.on("SIGTERM", () => {
  server.closeAllConnections();
  server.close();
  app.dispose().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
