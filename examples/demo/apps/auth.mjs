// Lets everybody pass and says who called, as its sidecar knows it from the caller's certificate.
import http from "node:http";

http
  .createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/plain" });
    response.end(`caller: ${request.headers["x-forwarded-client-cert"] ?? "unknown"}\n`);
  })
  .listen(Number(process.env.PORT), "127.0.0.1");
