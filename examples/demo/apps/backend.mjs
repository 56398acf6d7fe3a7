// Asks auth before it answers. Under /flaky every third request fails, before auth is asked.
import http from "node:http";

const [, , version] = process.argv;
const { PORT, WEFT_OUTBOUND } = process.env;
const outbound = new URL(WEFT_OUTBOUND);
const agent = new http.Agent({ keepAlive: true });
let flaky = 0;

http
  .createServer((request, response) => {
    const headers = { "x-backend-version": version };
    if (request.url.startsWith("/flaky") && ++flaky % 3 === 0) {
      response.writeHead(500, headers);
      response.end("backend: this was a third request\n");
      return;
    }
    const path = request.url.startsWith("/limited") ? request.url : "/check";
    const user = request.headers["x-user"];
    const call = http.request(
      {
        host: outbound.hostname,
        port: outbound.port,
        path,
        headers: { host: "auth.default.svc.cluster.local:8080", ...(user === undefined ? {} : { "x-user": user }) },
        agent,
      },
      (answer) => {
        answer.resume();
        const { "retry-after": retryAfter } = answer.headers;
        response.writeHead(
          answer.statusCode,
          retryAfter === undefined ? headers : { ...headers, "retry-after": retryAfter },
        );
        response.end(`backend ${version}: auth said ${answer.statusCode}\n`);
      },
    );
    call.on("error", (error) => {
      response.writeHead(502, headers);
      response.end(`backend ${version}: ${error.message}\n`);
    });
    call.end();
  })
  .listen(Number(PORT), "127.0.0.1");
