/* Runs the cases in one real Envoy: a listener and a VM for each case. */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server, type Http2Server } from "node:http2";
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from "node:net";
import { httpListener, type RunningEnvoy, startEnvoy, wasmFilter } from "../envoy-static.js";
import {
  AUTHORITY,
  type Case,
  type CaseRecord,
  type CaseRequest,
  type CaseResponse,
  calloutAnswer,
  configurationOf,
  type Records,
  shownHeaders,
  shownLog,
  vmIdOf,
} from "./case.js";

const HOST = "127.0.0.1";
const PARALLEL = 8;
const HANG_MS = 1500;
const ANSWER_MS = 60_000;
const QUIET_MS = 1000;
const LIMIT_MS = 20_000;
const CASE_HEADER = "x-differential-case";

interface Servers {
  clusters: object[];
  stop(): Promise<void>;
}

export async function runInEnvoy(cases: readonly Case[], modules: Map<string, Uint8Array>): Promise<Records> {
  const records: Records = Object.fromEntries(
    cases.map(({ name }) => [name, { client: [], upstream: [], main: [], worker: [], metrics: {} }]),
  );
  const servers = await startServers(cases, records);
  const envoy = await startEnvoy({
    resources: { clusters: servers.clusters, listeners: cases.map((one) => listener(one, modules)) },
  });
  try {
    const queue = [...cases];
    const work = async (): Promise<void> => {
      for (let one = queue.shift(); one !== undefined; one = queue.shift())
        await runCase(envoy, one, records[one.name]!);
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
    await quiet(envoy);
    await readMetrics(envoy, cases, records);
  } catch (error) {
    throw new Error(`Envoy has a problem:\n${envoy.log().split("\n").slice(-60).join("\n")}`, { cause: error });
  } finally {
    await envoy.stop();
    await servers.stop();
  }
  readLogs(envoy.log(), cases, records);
  return records;
}

function listener(one: Case, modules: Map<string, Uint8Array>): object {
  const wasm = modules.get(one.plugin ?? "probe")!;
  const filter = wasmFilter({
    wasm,
    name: one.name,
    rootId: one.plugin ?? one.name,
    vmId: vmIdOf(one),
    configuration: configurationOf(one),
    ...(one.capabilities === undefined ? {} : { capabilities: one.capabilities }),
  }) as { typed_config: { config: Record<string, unknown> } };
  const { config } = filter.typed_config;
  config.failure_policy = one.failurePolicy ?? "FAIL_RELOAD";
  config.allow_on_headers_stop_iteration = one.allowStop ?? true;
  if (one.reloadIntervalMs !== undefined) {
    config.reload_config = { backoff: { base_interval: `${one.reloadIntervalMs / 1000}s` } };
  }
  const vm = config.vm_config as Record<string, unknown>;
  if (one.env !== undefined) vm.environment_variables = { key_values: one.env };
  if (one.vmConfig !== undefined) {
    vm.configuration = { "@type": "type.googleapis.com/google.protobuf.StringValue", value: one.vmConfig };
  }
  if (one.tcp !== undefined) return tcpListener(one.name, config);
  const route = { match: { prefix: "/" }, route: { cluster: "up" }, request_headers_to_add: [caseHeader(one.name)] };
  const built = httpListener({ name: one.name, filters: [filter], routes: [route] }) as {
    per_connection_buffer_limit_bytes?: number;
    filter_chains: { filters: { typed_config: Record<string, unknown> }[] }[];
  };
  built.filter_chains[0]!.filters[0]!.typed_config.http_protocol_options = { enable_trailers: true };
  if (one.bufferLimitBytes !== undefined) built.per_connection_buffer_limit_bytes = one.bufferLimitBytes;
  return built;
}

function caseHeader(value: string): object {
  return { header: { key: CASE_HEADER, value } };
}

function tcpListener(name: string, config: object): object {
  const typed = (type: string, fields: object): object => ({ "@type": `type.googleapis.com/${type}`, ...fields });
  const wasm = typed("envoy.extensions.filters.network.wasm.v3.Wasm", { config });
  const proxy = typed("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", { stat_prefix: name, cluster: "echo" });
  return {
    name,
    address: { socket_address: { address: HOST, port_value: 0 } },
    filter_chains: [
      {
        filters: [
          { name: "wasm", typed_config: wasm },
          { name: "proxy", typed_config: proxy },
        ],
      },
    ],
  };
}

async function runCase(envoy: RunningEnvoy, one: Case, record: CaseRecord): Promise<void> {
  const port = envoy.ports.get(one.name)!;
  for (const request of one.requests ?? []) {
    await new Promise((resolve) => setTimeout(resolve, request.waitMs ?? 0));
    record.client.push(await send(port, request, one.hangs === true ? HANG_MS : ANSWER_MS));
  }
  if (one.tcp !== undefined) record.client.push(await converse(port, one.tcp));
  if (one.until !== undefined) {
    const text = one.until;
    await eventually(() =>
      envoy
        .log()
        .split(one.name)
        .some((part) => part.includes(text)),
    );
  }
}

function send(
  port: number,
  { method = "GET", path = "/", headers = {}, body, trailers }: CaseRequest,
  limitMs: number,
): Promise<unknown> {
  return new Promise((resolve) => {
    const all = { host: AUTHORITY, ...headers };
    const framing: Record<string, string> = trailers === undefined ? {} : { "transfer-encoding": "chunked" };
    const req = httpRequest(
      { host: HOST, port, method, path, headers: { ...all, ...framing }, agent: false },
      (res) => {
        const chunks: Buffer[] = [];
        res.on("data", (chunk: Buffer) => chunks.push(chunk));
        res.on("error", () => resolve("reset"));
        res.on("end", () => {
          resolve({
            status: res.statusCode,
            headers: shownHeaders(pairs(res.rawHeaders)),
            body: Buffer.concat(chunks).toString("latin1"),
            trailers: shownHeaders(pairs(res.rawTrailers)),
          });
        });
      },
    );
    req.setTimeout(limitMs, () => {
      resolve("no answer");
      req.destroy();
    });
    req.on("error", () => resolve("reset"));
    if (trailers !== undefined) {
      if (body !== undefined) req.write(body, "latin1");
      req.addTrailers(trailers);
      req.end();
    } else if (body === undefined) req.end();
    else req.end(body, "latin1");
  });
}

function converse(port: number, parts: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    const left = [...parts];
    let got = "";
    const next = (): void => {
      const part = left.shift();
      if (part === undefined) {
        socket.end();
        return;
      }
      socket.write(part.replace(/^!/, ""));
      if (part.startsWith("!")) setTimeout(next, 200);
    };
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.on("connect", next);
    socket.on("data", (chunk) => {
      got += chunk.toString("latin1");
      next();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(got));
  });
}

async function startServers(cases: readonly Case[], records: Records): Promise<Servers> {
  const byName = new Map(cases.map((one) => [one.name, one]));
  const upstream = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("error", () => undefined);
    req.on("end", () => {
      const one = byName.get(String(req.headers[CASE_HEADER]));
      if (one !== undefined) {
        const kept = pairs(req.rawHeaders).filter(([name]) => ![CASE_HEADER, "host"].includes(name.toLowerCase()));
        records[one.name]!.upstream.push({
          request: `${req.method} ${req.url} ${req.headers.host}`,
          headers: shownHeaders(kept),
          body: Buffer.concat(chunks).toString("latin1"),
          trailers: shownHeaders(pairs(req.rawTrailers)),
        });
      }
      respond(res, one?.response ?? { body: "upstream" });
    });
  });
  const callout = createServer((req, res) => respond(res, calloutAnswer(req.url ?? "")));
  const slow = createServer(() => undefined);
  const cut = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart");
      setTimeout(() => socket.destroy(), 50);
    });
  });
  const echo = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  const grpc = grpcServer();
  const refused = createTcpServer();
  const all: Record<string, Server | Http2Server> = { up: upstream, ok: callout, slow, cut, echo, grpc, refused };
  const clusters: object[] = [];
  for (const [name, server] of Object.entries(all)) {
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    clusters.push(cluster(name, (server.address() as AddressInfo).port, name === "grpc"));
  }
  // Its port is known and closed.
  await new Promise<void>((resolve) => refused.close(() => resolve()));
  return {
    clusters,
    stop: async () => {
      for (const [name, server] of Object.entries(all)) {
        if (name === "refused") continue;
        if ("closeAllConnections" in server) (server as ReturnType<typeof createServer>).closeAllConnections();
        server.close();
      }
    },
  };
}

function cluster(name: string, port: number, http2: boolean): object {
  const explicit = http2 ? { http2_protocol_options: {} } : { http_protocol_options: { enable_trailers: true } };
  return {
    name,
    type: "STATIC",
    connect_timeout: "5s",
    load_assignment: {
      cluster_name: name,
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address: HOST, port_value: port } } } }] },
      ],
    },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: explicit,
      },
    },
  };
}

/* Echoes messages; the method Fail ends with status 9. */
function grpcServer(): Http2Server {
  const server = createHttp2Server();
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    const fail = String(headers[":path"]).endsWith("/Fail");
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      if (fail) {
        const trailers = { "grpc-status": "9", "grpc-message": "not now" };
        stream.respond({ ":status": 200, "content-type": "application/grpc", ...trailers }, { endStream: true });
        return;
      }
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "x-initial": "1" },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "x-trailing": "1" }));
      for (const message of messages(Buffer.concat(chunks))) {
        const body = Buffer.concat([Buffer.from("re:"), message]);
        const head = Buffer.alloc(5);
        head.writeUInt32BE(body.length, 1);
        stream.write(Buffer.concat([head, body]));
      }
      stream.end();
    });
  });
  return server;
}

function messages(data: Buffer): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at + 5 <= data.length; ) {
    const size = data.readUInt32BE(at + 1);
    out.push(data.subarray(at + 5, at + 5 + size));
    at += 5 + size;
  }
  return out;
}

function respond(res: ServerResponse<IncomingMessage>, answer: CaseResponse): void {
  res.sendDate = false;
  res.removeHeader("connection");
  for (const [name, value] of Object.entries(answer.headers ?? {})) res.setHeader(name, value);
  res.statusCode = answer.status ?? 200;
  if (answer.trailers !== undefined) {
    res.setHeader("transfer-encoding", "chunked");
    if (answer.body !== undefined) res.write(answer.body, "latin1");
    res.addTrailers(answer.trailers);
    res.end();
    return;
  }
  if (res.statusCode !== 204 && res.statusCode !== 304 && !res.hasHeader("content-length")) {
    res.setHeader("content-length", Buffer.byteLength(answer.body ?? "", "latin1"));
  }
  res.end(answer.body ?? "", "latin1");
}

function pairs(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] ?? ""] as [string, string]] : []));
}

async function eventually(check: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (!(await check()) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
}

/* Until Envoy logs nothing more. */
async function quiet(envoy: RunningEnvoy): Promise<void> {
  for (let size = -1; size !== envoy.log().length; ) {
    size = envoy.log().length;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  }
}

async function readMetrics(envoy: RunningEnvoy, cases: readonly Case[], records: Records): Promise<void> {
  const find = (name: string): Case | undefined => cases.find((one) => name.startsWith(`${one.name}_`));
  const { stats } = JSON.parse(await envoy.admin("/stats?filter=wasmcustom&format=json")) as {
    stats: { name?: string; value?: number }[];
  };
  for (const { name = "", value } of stats) {
    const short = name.replace(/^wasmcustom\./, "");
    const one = find(short);
    if (one !== undefined && value !== undefined) records[one.name]!.metrics[short] = String(value);
  }
  // Histograms are merged every five seconds.
  const histograms = cases.flatMap(({ name, script = [] }) =>
    script.flatMap((line) => {
      const part = /def 2 \$CASE_(\w+)/.exec(line)?.[1];
      return part === undefined ? [] : [[name, `${name}_${part}`] as const];
    }),
  );
  for (const [name, metric] of histograms) {
    const pattern = new RegExp(`^${metric.replaceAll("-", "_")}_count\\{\\} (\\d+)$`, "m");
    let count: string | undefined;
    await eventually(async () => {
      count = pattern.exec(await envoy.admin("/stats/prometheus?filter=wasmcustom"))?.[1];
      return count !== undefined && count !== "0";
    });
    records[name]!.metrics[metric] = `${count} samples`;
  }
}

const LINE = /^\[[^\]]*\]\[(\d+)\]\[(\w+)\]\[wasm\] (?:\[[^\]]*\] )?wasm log(.*?): (.*)$/;
const LEVELS: Record<string, string> = { warning: "warn" };

function readLogs(text: string, cases: readonly Case[], records: Records): void {
  const byName = new Map(cases.map((one) => [one.name, one]));
  const mains = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = LINE.exec(line);
    if (match === null) continue;
    const [, thread = "", level = "", prefix = "", message = ""] = match;
    const one = prefix.split(" ").flatMap((word) => byName.get(word) ?? [])[0];
    if (one === undefined) continue;
    const { name } = one;
    // The canary, on the main thread, is always first.
    if (!mains.has(name)) mains.set(name, thread);
    records[name]![mains.get(name) === thread ? "main" : "worker"].push(shownLog(one, LEVELS[level] ?? level, message));
  }
}
