import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import type { ControlPlaneMetrics } from "./control-plane-metrics.js";
import { type ReadinessCheck, readiness } from "./readiness.js";

export interface MetricsServerOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly metrics: Pick<ControlPlaneMetrics, "contentType" | "text">;
  readonly checks: readonly ReadinessCheck[];
}

export interface MetricsServer {
  /** `host:port` where it listens. */
  readonly address: string;
  close(): Promise<void>;
}

/** Scrapers and probes are few; what is beyond them is not let in. */
const MAX_CONNECTIONS = 64;
const TIMEOUT_MS = 10_000;

/**
 * Serves `/metrics`, `/healthz` and `/readyz` and nothing else, without TLS: who can reach the port learns numbers, and
 * can change nothing.
 */
export async function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  const { metrics, checks } = options;
  const paths: Readonly<Record<string, (response: ServerResponse) => void>> = {
    // An event loop that is stuck answers nothing, so an answer is the proof.
    "/healthz": (response) => answer(response, 200, "ok\n"),
    "/readyz": (response) => {
      const { isReady, text } = readiness(checks);
      answer(response, isReady ? 200 : 503, text);
    },
    "/metrics": (response) =>
      void metrics.text().then(
        (text) => answer(response, 200, text, metrics.contentType),
        (error: unknown) => answer(response, 500, `${error instanceof Error ? error.message : error}\n`),
      ),
  };
  const server = createServer((request: IncomingMessage, response) => {
    const path = (request.url ?? "").replace(/\?.*$/, "");
    const serve = Object.hasOwn(paths, path) ? paths[path] : undefined;
    if (serve === undefined) answer(response, 404, `there are ${Object.keys(paths).join(", ")}\n`);
    else if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      answer(response, 405, "ask with GET\n");
    } else serve(response);
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.headersTimeout = TIMEOUT_MS;
  server.requestTimeout = TIMEOUT_MS;
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(options.port, options.host, done);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    address: `${isIPv6(address) ? `[${address}]` : address}:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

function answer(response: ServerResponse, status: number, text: string, type = "text/plain; charset=utf-8"): void {
  // What a client still sends is not read.
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text), connection: "close" });
  response.end(text);
}
