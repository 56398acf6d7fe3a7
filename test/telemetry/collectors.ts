/*
 * Fakes of what receives logs and spans. They speak the real protocols, Zipkin's JSON over HTTP and OTLP over gRPC, and
 * keep what comes, for tests to look at.
 */
import { createServer } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

export interface ZipkinSpan {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly kind: string;
  readonly localEndpoint: { readonly serviceName: string };
  readonly tags: Readonly<Record<string, string>>;
}

export interface FakeZipkin {
  readonly port: number;
  readonly spans: readonly ZipkinSpan[];
  stop(): Promise<void>;
}

export async function startFakeZipkin(): Promise<FakeZipkin> {
  const spans: ZipkinSpan[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => {
      body += part;
    });
    request.on("end", () => {
      const isReport = request.method === "POST" && request.url === "/api/v2/spans";
      if (isReport) spans.push(...(JSON.parse(body) as ZipkinSpan[]));
      response.writeHead(isReport ? 202 : 404).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    spans,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

export interface FakeOtlp {
  readonly port: number;
  /** What was exported, by the method's path: messages as they came, in which strings can be found. */
  readonly received: ReadonlyMap<string, readonly Buffer[]>;
  stop(): Promise<void>;
}

/** https://opentelemetry.io/docs/specs/otlp/#otlpgrpc; an empty answer is a success. */
export async function startFakeOtlp(): Promise<FakeOtlp> {
  const received = new Map<string, Buffer[]>();
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2Server();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    const path = String(headers[":path"]);
    const answer = () => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.alloc(5));
    };
    stream.on("data", (part: Buffer) => received.set(path, [...(received.get(path) ?? []), part]));
    stream.on("end", answer);
    stream.on("error", () => {});
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    received,
    stop: async () => {
      for (const session of sessions) session.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
