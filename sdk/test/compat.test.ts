import { request } from "node:http";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
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
} from "../../test/envoy-static.js";
import { compilePlugin, formatDiagnostic, type PluginManifest } from "../build/index.js";

/* Plugins for @solo-io/proxy-runtime. */
let wasm: Uint8Array;
let manifest: PluginManifest;
let envoy: RunningEnvoy;
let upstream: Upstream;
let callee: Upstream;
const held: (() => void)[] = [];

beforeAll(async () => {
  const built = await compilePlugin({ dir: fileURLToPath(new URL("./plugins/compat", import.meta.url)) });
  if (!built.ok) throw new Error(built.diagnostics.map(formatDiagnostic).join("\n"));
  ({ wasm, manifest } = built);
  upstream = await startUpstream((req, res) => {
    res.setHeader("x-body", req.headers["x-body"] ?? "none");
    res.setHeader("x-answer", req.headers["x-answer"] ?? "none");
    res.setHeader("x-removed", "r");
    req.resume().on("end", () => res.end("upstream"));
  });
  callee = await startUpstream((req, res) => {
    if (req.url === "/held") held.push(() => res.end("late"));
    else if (req.url === "/deny") res.writeHead(404).end();
    else res.end(`asked ${req.headers["x-asked"]} `);
  });
  const filter = (name: string, rootId: string, configuration: string) =>
    httpListener({
      name,
      filters: [wasmFilter({ wasm, rootId, name, vmId: "compat", configuration })],
      routes: [{ match: { prefix: "/" }, route: { cluster: "up" } }],
    });
  envoy = await startEnvoy({
    resources: {
      clusters: [cluster("up", upstream.port), cluster("callee", callee.port)],
      listeners: [
        filter("empty", "add_header", ""),
        filter("configured", "add_header", "world"),
        filter("ask", "ask", ""),
        filter("data", "data", "any text"),
      ],
    },
  });
});

afterAll(async () => {
  await envoy?.stop();
  await Promise.all([upstream?.stop(), callee?.stop()]);
});

const get = (name: string, path = "/", headers = {}, body?: string) =>
  send({ port: envoy.ports.get(name)!, path, headers, ...(body === undefined ? {} : { method: "POST", body }) });

async function eventually(check: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`it did not happen within a minute; Envoy's log:\n${envoy.log().split("\n").slice(-10).join("\n")}`);
}

test("exports what the plugins override, and takes any configuration", () => {
  expect(manifest.callbacks).toEqual([
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_done",
    "proxy_on_http_call_response",
    "proxy_on_queue_ready",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_response_headers",
    "proxy_on_tick",
    "proxy_on_vm_start",
  ]);
  expect(manifest.configSchema).toEqual({ $schema: "https://json-schema.org/draft/2020-12/schema", type: "object" });
});

test.each([
  ["empty", "nobody"],
  ["configured", "world"],
  ["empty", "nobody"],
])("several roots in one VM keep their configuration: %s", async (name, expected) => {
  const { headers } = await get(name);
  expect(headers.hello).toBe(expected);
  expect(Number(headers["x-count"])).toBeGreaterThan(3);
  expect(headers["x-removed"]).toBeUndefined();
  expect(headers["x-missing"]).toBe("[]");
});

test("a call is answered, refused, or cannot be made", async () => {
  const answered = await get("ask", "/", { "x-cluster": "callee" });
  expect(answered.headers["x-answer"]).toBe("asked yes 1");
  const denied = await get("ask", "/deny", { "x-cluster": "callee" });
  expect({ status: denied.status, body: denied.body }).toEqual({ status: 403, body: "404" });
  expect((await get("ask", "/", { "x-cluster": "nowhere" })).status).toBe(500);
  const late = await get("ask", "/held", { "x-cluster": "callee" });
  expect({ status: late.status, body: late.body }).toEqual({ status: 403, body: "504" });
});

test("a stream that is gone is not called", async () => {
  const answers = () => envoy.log().split("ask: answered").length;
  const before = answers();
  held.length = 0;
  const headers = { "x-cluster": "callee" };
  const req = request({ host: "127.0.0.1", port: envoy.ports.get("ask")!, path: "/held", headers });
  req.on("error", () => {});
  req.end();
  await eventually(() => held.length === 1);
  req.destroy();
  await eventually(async () => /http\.ask\.downstream_rq_active: 0/.test(await envoy.admin("/stats")));
  held[0]!();
  await eventually(async () => /cluster\.callee\.upstream_rq_active: 0/.test(await envoy.admin("/stats")));
  expect((await get("ask", "/", headers)).headers["x-answer"]).toBe("asked yes 1");
  await eventually(() => answers() === before + 1);
});

test("properties, shared data, metrics, queues, ticks", async () => {
  const first = await get("data", "/path");
  // A missing property is empty; clear_route_cache is Ok; a histogram cannot be incremented.
  expect(first.body).toBe("/path|0|kept|0|value|8|5|true|0|2");
  expect(first.headers["x-counter"]).toBe("2");
  await eventually(async () => {
    const { headers } = await get("data", "/path");
    return headers["x-queued"] === "queued" && Number(headers["x-ticks"]) > 2;
  });
  expect(envoy.log()).toContain("compat: 8 any text");
  await eventually(async () => (await envoy.admin("/stats?filter=compat_gauge")).includes("compat_gauge: 5"));
});

test("a body that was buffered is read, and a header is set for it", async () => {
  expect((await get("data", "/body", {}, "the body")).headers["x-body"]).toBe("the body");
});

test("a root may refuse its configuration", async () => {
  const filters = [wasmFilter({ wasm, rootId: "data", configuration: "refuse" })];
  await expect(
    startEnvoy({ resources: { listeners: [httpListener({ name: "bad", filters })] } }),
  ).rejects.toBeInstanceOf(EnvoyRefusedError);
});
