// Calls another service through the sidecar beside this app. The reader's headers travel along, as in any app that takes
// part in tracing or routing by header.
import http from "node:http";

const { WEFT_OUTBOUND } = process.env;
const outbound = new URL(WEFT_OUTBOUND);
const agent = new http.Agent({ keepAlive: true });
const FORWARDED = /^(x-user|x-request-id|traceparent|tracestate)$/;

/** Status and body of the answer; status 0 where there was none. */
export function call(service, path, from) {
  const headers = { host: `${service}:8080` };
  for (const [name, value] of Object.entries(from)) if (FORWARDED.test(name)) headers[name] = value;
  return new Promise((resolve) => {
    const request = http.request({ host: outbound.hostname, port: outbound.port, path, headers, agent }, (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (text) => {
        body += text;
      });
      answer.on("error", (error) => resolve({ status: 0, body: error.message }));
      answer.on("end", () => resolve({ status: answer.statusCode, body }));
    });
    request.on("error", (error) => resolve({ status: 0, body: error.message }));
    request.end();
  });
}

/** Answers every request with what `handle` returns: `{ status?, value }`, the value as JSON. */
export function serve(handle) {
  const server = http.createServer(async (request, response) => {
    const { status = 200, value } = await handle(request);
    response.writeHead(status, { "content-type": "application/json" });
    response.end(`${JSON.stringify(value)}\n`);
  });
  // A connection that is closed because it was idle, while the sidecar sends on it, would fail a request.
  server.keepAliveTimeout = 0;
  server.listen(Number(process.env.PORT), "127.0.0.1");
}
