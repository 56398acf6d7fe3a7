/* HTTP/2 without TLS, for trailers and gRPC: a server, and a client that sends one request. */
import {
  connect,
  createServer,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";

const HOST = "127.0.0.1";

export interface H2Server {
  port: number;
  stop(): Promise<void>;
}

export async function startH2Server(
  handle: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
): Promise<H2Server> {
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    handle(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) session.destroy();
      }),
  };
}

export interface H2Answer {
  headers: IncomingHttpHeaders & IncomingHttpStatusHeader;
  trailers: IncomingHttpHeaders;
  body: string;
}

export interface H2Request {
  port: number;
  path: string;
  headers?: Record<string, string>;
  body?: string[];
  trailers?: Record<string, string>;
}

/** One request on a connection of its own; the body in as many DATA frames as there are parts. */
export function sendH2({ port, path, headers = {}, body = [], trailers }: H2Request): Promise<H2Answer> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://${HOST}:${port}`);
    session.on("error", reject);
    const stream = session.request(
      { ":path": path, ":method": "POST", ...headers },
      { endStream: body.length === 0 && trailers === undefined, waitForTrailers: trailers !== undefined },
    );
    const answer: H2Answer = { headers: {}, trailers: {}, body: "" };
    stream.on("response", (received) => {
      answer.headers = received;
    });
    stream.on("trailers", (received) => {
      answer.trailers = received;
    });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers ?? {}));
    stream.on("data", (chunk: Buffer) => {
      answer.body += chunk.toString();
    });
    stream.on("error", reject);
    stream.on("close", () => {
      session.close();
      resolve(answer);
    });
    if (body.length > 0 || trailers !== undefined) {
      for (const part of body) stream.write(part);
      stream.end();
    }
  });
}

/** A cluster that is spoken to in HTTP/2. */
export function h2Cluster(cluster: object): object {
  return {
    ...cluster,
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  };
}
