import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compilePlugin } from "@weft/sdk/build";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  cluster,
  EnvoyRefusedError,
  httpListener,
  type RunningEnvoy,
  send,
  startEnvoy,
  startUpstream,
  type Upstream,
  wasmFilter,
} from "./envoy-static.js";

/* Several plugins in one module; each uses a part of the SDK. */
const SOURCE = `
import {
  Action, clock, config, Counter, Gauge, Histogram, HttpContext, LocalResponse, log, NoConfig, Peer, properties,
  register, registerRoot, RootContext, sharedData, StreamContext, Update,
} from "@weft/sdk";

class Headers extends HttpContext<NoConfig> {
  onRequestHeaders(end: bool): Action {
    const headers = this.request.headers;
    const response = new LocalResponse(200);
    const missing = headers.get("x-missing");
    const many = headers.all("X-Many");
    headers.set("x-set", "1");
    headers.add("x-many", "added");
    headers.remove("x-removed");
    let custom = 0;
    const pairs = headers.pairs();
    for (let i = 0; i < pairs.length; i++) if (pairs[i].name.startsWith("x-")) custom++;
    response.body = [
      missing === null ? "null" : "value",
      headers.get("x-empty") == "" ? "empty" : "other",
      many.join("+"),
      headers.get("x-set")!,
      headers.all("x-many").join("+"),
      headers.get("x-removed") === null ? "gone" : "there",
      headers.get("x-text")!,
    ].join("|");
    response.header("x-custom", custom.toString()).header("x-twice", "a").header("x-twice", "b");
    return response.send();
  }
}
register<Headers, NoConfig>("headers");

class Host extends HttpContext<NoConfig> {
  onRequestHeaders(end: bool): Action {
    const response = new LocalResponse(202);
    const now = clock.now;
    const later = clock.monotonic;
    properties.set("weft.note", "kept");
    response.body = [
      properties.string("request.path")!,
      properties.string("request.nothing") === null ? "null" : "value",
      properties.integer("response.code", -1).toString(),
      properties.integer("destination.port") > 0 ? "port" : "none",
      properties.boolean("connection.mtls", true).toString(),
      properties.string("xds.node.id")!,
      properties.string(properties.path(["filter_state", "wasm.weft.note"]))!,
      now > 1_500_000_000_000_000_000 && clock.monotonic >= later ? "clocks" : "no clocks",
    ].join("|");
    return response.send();
  }
}
register<Host, NoConfig>("host");

const requests = new Counter("probe_requests");
const size = new Gauge("probe_size");
const sizes = new Histogram("probe_sizes");
class Increment extends Update {
  value: u64 = 0;
  next(current: ArrayBuffer | null): ArrayBuffer | null {
    this.value = (current === null ? 0 : new DataView(current).getUint64(0, true)) + 1;
    const next = new ArrayBuffer(8);
    new DataView(next).setUint64(0, this.value, true);
    return next;
  }
}
class Counting extends HttpContext<NoConfig> {
  onRequestBody(length: u32, end: bool): Action {
    const text = this.request.bodyText(0, length);
    if (text !== null && length > 0) size.value = text.length;
    return Action.Continue;
  }
  onResponseHeaders(end: bool): Action {
    const step = new Increment();
    if (!sharedData.update("count", step)) log.error("no agreement");
    this.response.headers.set("x-count", step.value.toString());
    return Action.Continue;
  }
  onLog(): void {
    requests.increment();
    sizes.record(7);
  }
}
register<Counting, NoConfig>("counting");

@config class TickConfig { periodMs: u32 = 20; }
class Ticking extends RootContext<TickConfig> {
  ticks: u32 = 0;
  onConfigure(): bool { this.tickPeriodMs = this.config.periodMs; return true; }
  onTick(): void { this.ticks++; }
}
class Ticks extends HttpContext<TickConfig> {
  onResponseHeaders(end: bool): Action {
    this.response.headers.set("x-ticks", (this.root as Ticking).ticks.toString());
    return Action.Continue;
  }
}
registerRoot<Ticks, Ticking>("ticks");

class Trap extends HttpContext<NoConfig> {
  onRequestHeaders(end: bool): Action {
    const path = this.request.headers.get(":path");
    if (path == "/index") { const none: i32[] = []; none[1]; }
    if (path == "/throw") throw new Error("thrown on purpose");
    return Action.Continue;
  }
}
register<Trap, NoConfig>("trap");

class Waste extends HttpContext<NoConfig> {
  onResponseHeaders(end: bool): Action {
    let text = "";
    for (let i = 0; i < 100; i++) text += "a longer and longer text ";
    this.response.headers.set("x-length", text.length.toString());
    this.response.headers.set("x-pages", memory.size().toString());
    return Action.Continue;
  }
}
register<Waste, NoConfig>("waste");

class Tcp extends StreamContext<NoConfig> {
  onNewConnection(): Action { log.info("tcp: new"); return Action.Continue; }
  onDownstreamData(length: u32, end: bool): Action {
    const data = this.downstreamData(0, length);
    if (data !== null && length > 0) log.info("tcp: data " + String.UTF8.decode(data));
    return Action.Continue;
  }
  onDownstreamClose(peer: Peer): void { log.info("tcp: closed by " + peer.toString()); }
}
register<Tcp, NoConfig>("tcp");
`;

let wasm: Uint8Array;
let envoy: RunningEnvoy;
let echo: ReturnType<typeof createServer>;
let upstream: Upstream;

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), "weft-plugin-"));
  await mkdir(join(dir, "assembly"));
  await writeFile(join(dir, "plugin.yaml"), "name: probe\nversion: 1.0.0\nrootId: host\n");
  await writeFile(join(dir, "assembly", "index.ts"), SOURCE);
  const built = await compilePlugin({ dir });
  await rm(dir, { recursive: true });
  if (!built.ok) throw new Error(JSON.stringify(built.diagnostics, null, 1));
  wasm = built.wasm;

  echo = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const address = echo.address();
  upstream = await startUpstream((req, res) => req.resume().on("end", () => res.end("read")));
  const http = (rootId: string) =>
    httpListener({
      name: rootId,
      filters: [wasmFilter({ wasm, rootId, name: rootId, vmId: "probe" })],
      routes: [{ match: { prefix: "/" }, route: { cluster: "up" } }],
    });
  const filter = wasmFilter({ wasm, rootId: "tcp", name: "tcp", vmId: "probe" }) as {
    typed_config: { config: object };
  };
  const tcp = {
    name: "tcp",
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    filter_chains: [
      {
        filters: [
          {
            name: "wasm",
            typed_config: {
              "@type": "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm",
              config: filter.typed_config.config,
            },
          },
          {
            name: "proxy",
            typed_config: {
              "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
              stat_prefix: "tcp",
              cluster: "echo",
            },
          },
        ],
      },
    ],
  };
  envoy = await startEnvoy({
    resources: {
      clusters: [
        cluster("echo", typeof address === "object" && address !== null ? address.port : 0),
        cluster("up", upstream.port),
      ],
      listeners: [...["headers", "host", "counting", "ticks", "trap", "waste"].map(http), tcp],
    },
  });
});

afterAll(async () => {
  await envoy?.stop();
  echo?.close();
  await upstream?.stop();
});

const get = (listener: string, path = "/", headers = {}, body?: string) =>
  send({
    port: envoy.ports.get(listener)!,
    path,
    headers,
    ...(body === undefined ? {} : { body, method: "POST" }),
  });

async function eventually(check: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("it did not happen within a minute");
}

test("headers: one value, all values, set, add, remove, pairs; UTF-8 both ways", async () => {
  const answer = await get("headers", "/", {
    "x-many": ["one", "two"],
    "x-empty": "",
    "x-removed": "r",
    "x-text": Buffer.from("grüße").toString("latin1"),
  });
  expect(Buffer.from(answer.body).toString()).toBe("null|empty|one+two|1|one+two+added|gone|grüße");
  // x-many three times, x-empty, x-text, x-set, and Envoy's x-request-id and x-forwarded-proto.
  expect(answer.headers["x-custom"]).toBe("8");
  expect(answer.headers["x-twice"]).toBe("a, b");
});

test("properties, filter state and clocks; a local response", async () => {
  const answer = await get("host", "/path");
  expect(answer.status).toBe(202);
  const node = "sidecar~127.0.0.1~frontend-1.default~default.svc.cluster.local";
  expect(answer.body).toBe(`/path|null|-1|port|false|${node}|kept|clocks`);
});

test("shared data, metrics and the body", async () => {
  for (let i = 1; i <= 3; i++) expect((await get("counting", "/", {}, "12345")).headers["x-count"]).toBe(String(i));
  await eventually(async () => (await envoy.admin("/stats?filter=probe_requests")).includes("probe_requests: 3"));
  expect(await envoy.admin("/stats?filter=probe_size")).toContain("probe_size: 5");
  await eventually(async () => (await envoy.admin("/stats/prometheus")).includes("probe_sizes_count{} 3"));
});

test("ticks reach the root that asked for them", async () => {
  await eventually(async () => Number((await get("ticks")).headers["x-ticks"]) >= 3);
});

test.each([
  ["/throw", /trap at assembly\/index\.ts:\d+:\d+: thrown on purpose/],
  ["/index", /trap at ~lib\/array\.ts:\d+:\d+: Index out of range/],
])("a trap says file, line and message, and the next request finds a new VM: %s", async (path, message) => {
  await get("trap", path);
  await eventually(() => message.test(envoy.log()));
  await eventually(async () => (await get("trap", "/fine")).status === 200);
});

test("TCP: a connection, its data and its end", async () => {
  const socket = connect(envoy.ports.get("tcp")!, "127.0.0.1");
  const answered = new Promise<string>((resolve) => socket.once("data", (chunk) => resolve(chunk.toString())));
  socket.write("ping");
  expect(await answered).toBe("ping");
  socket.end();
  await eventually(() => /tcp: new[\s\S]*tcp: data ping[\s\S]*tcp: closed by/.test(envoy.log()));
});

test("memory does not grow with the number of requests", async () => {
  let early = 0;
  for (let i = 0; i < 2000; i++) {
    const { headers } = await get("waste");
    expect(headers["x-length"]).toBe("2500");
    const pages = Number(headers["x-pages"]);
    if (i === 500) early = pages;
    if (i > 500) expect(pages).toBe(early);
  }
});

describe("a configuration that is wrong", () => {
  test.each([
    [
      "an unknown field",
      { perioMs: 1 },
      'plugin "ticks": configuration refused: field "perioMs" is unknown; known fields: periodMs',
    ],
    ["a wrong type", { periodMs: "1s" }, 'field "periodMs" is "1s"; it must be an integer from 0 to 4294967295'],
    ["no JSON", "periodMs: 1", "configuration refused: the configuration is periodMs: 1; it must be an object"],
  ])("%s is refused, and Envoy's log says why", async (_, configuration, message) => {
    const listeners = [httpListener({ name: "bad", filters: [wasmFilter({ wasm, rootId: "ticks", configuration })] })];
    const refused = await startEnvoy({ resources: { listeners } }).then(
      async (running) => {
        await running.stop();
        return undefined;
      },
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(EnvoyRefusedError);
    expect((refused as EnvoyRefusedError).log).toContain(message);
  });

  test("a root id that the module does not have is refused", async () => {
    const listeners = [httpListener({ name: "bad", filters: [wasmFilter({ wasm, rootId: "other" })] })];
    await expect(startEnvoy({ resources: { listeners } })).rejects.toMatchObject({
      code: "ENVOY_REFUSED",
      log: expect.stringContaining("the module has no plugin with this root_id; it has: headers, host, counting"),
    });
  });
});
