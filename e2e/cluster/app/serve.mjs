// The app of the tests' pods: answers with who it is and what it was asked. It knows nothing of the mesh.
// PORT (8080) is served; MESSAGE is in every answer; a path /status/N is answered with N, and /exit ends the app.
import http from "node:http";

const { HOSTNAME, MESSAGE = "", PORT = "8080" } = process.env;

const server = http.createServer((request, response) => {
  const [, wanted] = /^\/status\/(\d{3})$/.exec(request.url) ?? [];
  response.statusCode = Number(wanted ?? 200);
  response.setHeader("content-type", "application/json");
  const { method, url, headers, socket } = request;
  response.end(JSON.stringify({ pod: HOSTNAME, message: MESSAGE, method, url, headers, from: socket.remoteAddress }));
  if (url === "/exit") process.exit(0);
});
server.keepAliveTimeout = 0;
server.listen(Number(PORT), "0.0.0.0");
process.on("SIGTERM", () => server.close(() => process.exit(0)));
