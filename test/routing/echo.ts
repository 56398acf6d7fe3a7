import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A backend that says who it is and what it received. */
export interface Echo {
  readonly port: number;
  /** Paths of all requests so far. */
  readonly paths: readonly string[];
  close(): void;
}

/**
 * Answers with its name and what it got as JSON. `x-fail: 2 503` lets the first two requests of an `x-case` fail, and
 * `x-hang: 1` lets the first one hang.
 */
export async function startEcho(name: string): Promise<Echo> {
  const paths: string[] = [];
  const attempts = new Map<string, number>();
  const server = createServer((request, response) => {
    paths.push(request.url ?? "");
    const key = headerOf(request, "x-case");
    const attempt = (attempts.get(key) ?? 0) + 1;
    attempts.set(key, attempt);
    const [failures = 0, status = 200] = headerOf(request, "x-fail").split(" ").map(Number);
    if (attempt <= Number(headerOf(request, "x-hang"))) return;
    answer(response, name, attempt, attempt <= failures ? status : 200, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    paths,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(response: ServerResponse, name: string, attempt: number, status: number, request: IncomingMessage) {
  const { url, method, headers } = request;
  response.writeHead(status, { "x-attempts": attempt, "x-served": name, "x-answer": "old", "x-gone": "1" });
  response.end(JSON.stringify({ name, method, path: url, headers }));
}

function headerOf(request: IncomingMessage, name: string): string {
  return String(request.headers[name] ?? "");
}
