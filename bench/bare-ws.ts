/** The reference of the gateway's bench: `ws` and JSON.parse, nothing else. Told by its parent, it sends an event to all. */
import { createServer } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";

const server = createServer((_, response) => {
  response.end(JSON.stringify({ rss: process.memoryUsage.rss(), cpu: process.cpuUsage(), positions }));
});
const sockets = new WebSocketServer({ server, maxPayload: 16 * 1024, perMessageDeflate: false });
let positions = 0;
sockets.on("connection", (socket: WebSocket) => {
  socket.on("message", (data) => {
    const frame = JSON.parse(data.toString()) as { type: string };
    if (frame.type === "location") positions++;
    else if (frame.type === "ping") socket.send('{"type":"pong"}');
    else if (frame.type === "auth") socket.send('{"type":"ready"}');
    else if (frame.type === "subscribe") socket.send('{"type":"subscribed"}');
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.send?.({ port: typeof address === "object" ? address?.port : 0 });
});
