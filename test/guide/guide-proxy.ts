/* The guide's examples in one real Envoy: a listener for each, and the services that they ask. */
import { createServer, type Server } from "node:net";
import { parse } from "yaml";
import { type H2Server, startH2Server } from "../../sdk/test/h2.js";
import {
  cluster,
  EnvoyRefusedError,
  httpListener,
  send,
  startEnvoy,
  startUpstream,
  type Upstream,
  wasmFilter,
} from "../envoy-static.js";
import { ENVOY_CASES, type World } from "./envoy-cases.js";
import { fencesOf, readGuidePage } from "./examples.js";

export interface GuideProxy {
  /** What a case needs. */
  world(rootId: string): World;
  stop(): Promise<void>;
}

/** Starts Envoy with these modules, by the root id of each. */
export async function startGuideProxy(modules: ReadonlyMap<string, Uint8Array>): Promise<GuideProxy> {
  const services = await startServices();
  const listeners = [...modules].map(([rootId, wasm]) => listener(rootId, wasm));
  const stats = fencesOf(readGuidePage("metrics.md")).find(({ text }) => text.startsWith("stats_config:"))?.text ?? "";
  const { stats_config } = parse(stats) as { stats_config: object };
  const envoy = await startEnvoy({
    resources: { clusters: services.clusters, listeners },
    statsConfig: stats_config,
  }).catch(async (error: unknown) => {
    await services.stop();
    throw error;
  });
  return {
    world: (rootId) => {
      const get: World["get"] = (path = "/", options = {}) =>
        send({ port: envoy.ports.get(rootId) ?? 0, path, ...options });
      return {
        envoy,
        received: services.received,
        get,
        seen: async (path, options) => JSON.parse((await get(path, options)).body) as Record<string, string>,
        refused: (configuration) => refusal(modules.get(rootId) ?? new Uint8Array(), rootId, configuration),
      };
    },
    stop: async () => {
      await envoy.stop();
      await services.stop();
    },
  };
}

function listener(rootId: string, wasm: Uint8Array): object {
  const { configuration, routes } = ENVOY_CASES[rootId] ?? {};
  const filter = wasmFilter({ wasm, rootId, name: rootId, vmId: rootId, configuration });
  if (rootId === "greeting") return tcpListener(rootId, filter);
  const all = [{ match: { prefix: "/" }, route: { cluster: "up" } }];
  return httpListener({ name: rootId, filters: [filter], routes: routes ?? all });
}

function tcpListener(name: string, filter: object): object {
  const { config } = (filter as { typed_config: { config: object } }).typed_config;
  const typed = (type: string, fields: object) => ({
    name: type,
    typed_config: { "@type": `type.googleapis.com/envoy.extensions.filters.network.${type}`, ...fields },
  });
  return {
    name,
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    filter_chains: [
      {
        filters: [
          typed("wasm.v3.Wasm", { config }),
          typed("tcp_proxy.v3.TcpProxy", { stat_prefix: name, cluster: "echo" }),
        ],
      },
    ],
  };
}

async function refusal(wasm: Uint8Array, rootId: string, configuration: object): Promise<string> {
  const listeners = [httpListener({ name: "refused", filters: [wasmFilter({ wasm, rootId, configuration })] })];
  const error = await startEnvoy({ resources: { listeners } }).then(
    (running) => running.stop(),
    (reason: unknown) => reason,
  );
  if (error instanceof EnvoyRefusedError) return error.log;
  throw error ?? new Error("Envoy took the configuration");
}

interface Services {
  readonly clusters: readonly object[];
  readonly received: readonly string[];
  stop(): Promise<void>;
}

async function startServices(): Promise<Services> {
  const up = await startUpstream((req, res) => {
    req.resume().on("end", () => {
      if (req.url === "/500") res.writeHead(500).end();
      else if (req.url === "/text") res.end("one two");
      else res.end(JSON.stringify(req.headers));
    });
  });
  const auth = await startUpstream((req, res) => {
    const token = req.headers.authorization;
    if (token === "good") res.writeHead(200, { "x-user": "ada" }).end();
    else if (token === "bad") res.writeHead(403).end("not you");
    // Anybody else waits until the plugin's patience ends.
  });
  const flags = await startUpstream((_, res) => res.end("closed"));
  const received: string[] = [];
  const grpc = await startGrpcServices(received);
  const echo = await startEcho();
  const closed = await closedPort();
  const http2 = { explicit_http_config: { http2_protocol_options: {} } };
  const speaksHttp2 = {
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        ...http2,
      },
    },
  };
  const plain: [string, number][] = [
    ["up", up.port],
    ["auth", auth.port],
    ["flags", flags.port],
    ["echo", portOf(echo)],
    ["service", closed],
  ];
  const servers: readonly (Upstream | H2Server)[] = [up, auth, flags, grpc];
  return {
    received,
    clusters: [
      ...plain.map(([name, port]) => cluster(name, port)),
      ...["budget", "audit"].map((name) => ({ ...cluster(name, grpc.port), ...speaksHttp2 })),
    ],
    stop: async () => {
      echo.close();
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

/* shop.Budget/Take gives ada what she wants, bob nothing, and fails for others; shop.Audit/Report takes a stream. */
function startGrpcServices(received: string[]): Promise<H2Server> {
  return startH2Server((stream, headers) => {
    const method = String(headers[":path"]);
    let buffer = Buffer.alloc(0);
    let status = "14";
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
    stream.on("data", (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk]);
      while (buffer.length >= 5 && buffer.length >= 5 + buffer.readUInt32BE(1)) {
        const end = 5 + buffer.readUInt32BE(1);
        const message = buffer.subarray(5, end).toString();
        buffer = buffer.subarray(end);
        received.push(`${method} ${message}`);
        const reply = message.includes("ada") ? "\x08\x01" : message.includes("bob") ? "\x12\x05spent" : undefined;
        if (method !== "/shop.Budget/Take" || reply === undefined) continue;
        status = "0";
        const prefix = Buffer.alloc(5);
        prefix.writeUInt32BE(reply.length, 1);
        stream.write(Buffer.concat([prefix, Buffer.from(reply, "latin1")]));
      }
    });
    stream.on("end", () => stream.end());
  });
}

async function startEcho(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/* A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = await startEcho();
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
