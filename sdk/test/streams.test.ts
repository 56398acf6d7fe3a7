import { generateKeyPairSync } from "node:crypto";
import { connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  cluster,
  EnvoyRefusedError,
  httpListener,
  type RunningEnvoy,
  send,
  startEnvoy,
  wasmFilter,
} from "../../test/envoy-static.js";
import { compilePlugin, formatDiagnostic } from "../build/index.js";
import { type H2Server, h2Cluster, sendH2, startH2Server } from "./h2.js";

const keys = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

let wasm: Uint8Array;
let envoy: RunningEnvoy;
let upstream: H2Server;
let echo: ReturnType<typeof createServer>;

interface Filter {
  typed_config: { config: { vm_config: object } };
}

function vmFilter(configuration: string): object {
  const filter = wasmFilter({ wasm, rootId: "vm", name: "vm", vmId: "vm" }) as Filter;
  const value = { "@type": "type.googleapis.com/google.protobuf.StringValue", value: configuration };
  const environment = { key_values: { PROBE: "a=b", PROBE_OTHER: "c" } };
  filter.typed_config.config.vm_config = {
    ...filter.typed_config.config.vm_config,
    configuration: value,
    environment_variables: environment,
  };
  return filter;
}

const routes = [
  {
    match: {
      prefix: "/route",
      filter_state: [{ key: "wasm.weft.choice", string_match: { exact: "other" } }],
    },
    direct_response: { status: 200, body: { inline_string: "other" } },
  },
  { match: { prefix: "/" }, route: { cluster: "up" } },
];
const accessLog = [
  {
    name: "stdout",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
      log_format: {
        text_format_source: {
          inline_string: `line ${["probe", "late", "took"].map((name) => `%FILTER_STATE(wasm.weft.${name}:PLAIN)%`).join(" ")}\n`,
        },
      },
    },
  },
];

beforeAll(async () => {
  const built = await compilePlugin({ dir: fileURLToPath(new URL("./plugins/streams", import.meta.url)) });
  if (!built.ok) throw new Error(built.diagnostics.map(formatDiagnostic).join("\n"));
  wasm = built.wasm;
  upstream = await startH2Server((stream, headers) => {
    const chunks: Buffer[] = [];
    let received: Record<string, unknown> = {};
    stream.on("trailers", (trailers) => {
      received = trailers;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const answer = { ":status": 200, "x-trailers": JSON.stringify({ ...received }) };
      stream.respond(answer, { waitForTrailers: headers[":path"] !== "/response" });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-server": "s", "x-removed": "r" }));
      stream.end(Buffer.concat(chunks));
    });
  });
  echo = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const address = echo.address();
  const filter = (rootId: string, configuration: object = {}) =>
    wasmFilter({ wasm, rootId, name: rootId, vmId: "streams", configuration });
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
              config: (filter("tcp") as Filter).typed_config.config,
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
  const http = (name: string, filters: object[]) => httpListener({ name, filters, routes, accessLog });
  envoy = await startEnvoy({
    resources: {
      clusters: [
        h2Cluster(cluster("up", upstream.port)),
        cluster("echo", typeof address === "object" && address !== null ? address.port : 0),
      ],
      listeners: [
        ...["bodies", "attributes", "labelled"].map((rootId) => http(rootId, [filter(rootId)])),
        http("foreign", [filter("foreign", keys)]),
        http("vm", [vmFilter("the vm's")]),
        tcp,
      ],
    },
  });
});

afterAll(async () => {
  await envoy?.stop();
  await upstream?.stop();
  echo?.close();
});

const port = (name: string): number => envoy.ports.get(name)!;

async function eventually(check: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`it did not happen within a minute; Envoy's log:\n${envoy.log().split("\n").slice(-10).join("\n")}`);
}

const stats = (filter: string): Promise<string> => envoy.admin(`/stats?filter=${filter}`);

test.each([
  ["/plain", ["abc", "def"], "abcdef"],
  ["/whole", ["abc", "def"], "[abcdef]6=6"],
  ["/whole", ["x".repeat(100_000)], `[${"x".repeat(100_000)}]100000=100000`],
  ["/edges", ["abc"], "<abc>"],
  ["/drain", ["abcdef"], "cdef"],
  ["/part", ["abcdef"], "bcd||"],
  ["/response", ["abc"], "whole: abc"],
  ["/response-trailers", ["abc"], "whole: abc"],
])("a body: %s", async (path, body, expected) => {
  expect((await send({ port: port("bodies"), path, method: "POST", body: body.join("") })).body).toBe(expected);
});

test("a body that cannot be changed any more", async () => {
  const { body } = await send({ port: port("bodies"), path: "/outside", method: "POST", body: "abc" });
  expect(body.replaceAll("refused", "")).toBe("abc");
  expect(body).toContain("refused");
});

test("trailers of requests and responses, and a whole body that ends with trailers", async () => {
  const answer = await sendH2({
    port: port("bodies"),
    path: "/whole",
    body: ["abc", "def"],
    trailers: { "x-client": "c" },
  });
  expect(answer.headers[":status"]).toBe(200);
  expect(answer.body).toBe("abcdef");
  expect(JSON.parse(String(answer.headers["x-trailers"]))).toEqual({
    "x-client": "c",
    "x-kept": "abcdef",
    "x-chunks": "some",
    "x-seen": "c",
  });
  expect(Object.fromEntries(Object.entries(answer.trailers))).toEqual({ "x-server": "s", "x-plugin": "seen s" });
});

test("all headers at once, sizes, bytes, and a reset", async () => {
  const headers = { "x-secret": "s", "x-other": "o" };
  expect((await send({ port: port("bodies"), path: "/all", headers })).body).toBe("true|false|o|true");
  const bytes = await send({ port: port("bodies"), path: "/bytes" });
  expect(bytes.status).toBe(201);
  expect(bytes.body).toBe("\0\ufffd\u0007");
  await expect(send({ port: port("bodies"), path: "/reset" })).rejects.toMatchObject({ code: "ECONNRESET" });
});

test("attributes by type", async () => {
  const { body } = await send({ port: port("attributes"), headers: { "x-secret": "s" } });
  expect(body).toBe("GET|true|false|s|true|-1|true|hi|2|-1.5|null|null|true|false|null|s|attributes");
});

test("metrics with labels are defined once, and their number is bounded", async () => {
  const ask = async (route: string) => (await send({ port: port("labelled"), headers: { "x-route": route } })).body;
  expect(await ask("a")).toBe("3|5");
  expect(await ask("a")).toBe("6|5");
  expect(await ask("b.c")).toBe("3|5");
  expect(await ask("d")).toBe("3|5");
  expect(await ask("e")).toBe("3|5");
  expect(await ask("f")).toBe("6|5");
  const found = (await stats("probe_requests")).split("\n").filter((line) => line !== "");
  expect(found.sort()).toEqual([
    "wasmcustom.probe_requests;route=a;code=200: 6",
    "wasmcustom.probe_requests;route=b.c;code=200: 3",
    "wasmcustom.probe_requests;route=d;code=200: 3",
    "wasmcustom.probe_requests;route=overflow;code=overflow: 6",
  ]);
  await eventually(async () => (await envoy.admin("/stats/prometheus")).includes("probe_time_ms_route_a_count{} 2"));
});

test("what a stream's access log says", async () => {
  await send({ port: port("labelled"), headers: { "x-route": "log" } });
  await eventually(() => envoy.log().includes("line seen log 200 true"));
});

test("foreign functions", async () => {
  const ask = async (path: string, headers = {}) => (await send({ port: port("foreign"), path, headers })).body;
  expect(await ask("/others")).toBe(
    "true|true|null|null|true|false|a.example|true|true|true|twice|false|inner3000.5|true",
  );
  expect(await ask("/keys")).toBe("true|false|false|null");
  expect(await ask("/expressions", { "x-user": "ann" })).toBe("true|52|/expressions!|null|1|-1|null|2.5");
  expect(await ask("/expressions", { "x-user": "bob" })).toMatch(/^false\|/);
  expect(await ask("/route")).toBe("other");
});

test("the VM's configuration, its environment, random bytes", async () => {
  expect((await send({ port: port("vm") })).body).toBe("the vm's|a=b|null|random|null|differ");
});

test("a root may refuse the VM", async () => {
  const listeners = [httpListener({ name: "bad", filters: [vmFilter("refuse")] })];
  await expect(startEnvoy({ resources: { listeners } })).rejects.toBeInstanceOf(EnvoyRefusedError);
});

test("shared queues: pushed by streams, taken by the root", async () => {
  for (let i = 0; i < 3; i++) expect((await send({ port: port("vm"), path: "/push" })).body).toBe("true null");
  await eventually(async () => (await stats("probe_queue_received")).includes("probe_queue_received: 15"));
});

test("the end of a stream", async () => {
  await eventually(async () => {
    const counts = Array.from((await stats("probe_(dones|deletes)")).matchAll(/: (\d+)/g), (match) => Number(match[1]));
    return counts.length === 2 && counts[0] === counts[1] && counts[0]! >= 4;
  });
});

test("TCP: data both ways can be held, read and changed; close", async () => {
  const socket = connect(port("tcp"), "127.0.0.1");
  let received = "";
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.on("data", (chunk) => {
    received += chunk.toString();
  });
  socket.write("pi");
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.write("ng\n");
  await eventually(() => received === "answer: PING\n");
  socket.write("close\n");
  await closed;
  await eventually(async () => /probe_tcp_closes: [12]/.test(await stats("probe_tcp_closes")));
});
