// Calls backend through its own sidecar and answers with what backend said. The caller's headers travel along, as in
// any app that takes part in tracing or canaries.
import http from "node:http";

const { PORT, WEFT_OUTBOUND } = process.env;
const outbound = new URL(WEFT_OUTBOUND);
const agent = new http.Agent({ keepAlive: true });
const FORWARDED = /^x-(canary|user|request-id|b3-.*)$/;

http
  .createServer((request, response) => {
    const headers = { host: "backend.default.svc.cluster.local:8080" };
    for (const [name, value] of Object.entries(request.headers)) if (FORWARDED.test(name)) headers[name] = value;
    const call = http.request(
      { host: outbound.hostname, port: outbound.port, path: request.url, headers, agent },
      (answer) => {
        response.writeHead(answer.statusCode, { ...answer.headers, "x-served-by": "frontend" });
        answer.pipe(response);
      },
    );
    call.on("error", (error) => {
      if (!response.headersSent) response.writeHead(502);
      response.end(`frontend: ${error.message}\n`);
    });
    call.end();
  })
  .listen(Number(PORT), "127.0.0.1");
