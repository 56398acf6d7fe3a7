import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeAll, expect, test } from "vitest";
import { AccessLogSchema } from "../../../control-plane/src/envoy-api/gen/envoy/config/accesslog/v3/accesslog_pb.js";
import type { MetricDefinition } from "../../../control-plane/src/model/plugin-manifest.js";
import { pluginAccessLogs } from "../../../control-plane/src/translate/access-logs.js";
import { messageToJson } from "../../../control-plane/src/translate/json.js";
import { buildPlugin } from "../../../test/build-plugin.js";
import { httpListener, type RunningEnvoy, send, startEnvoy, wasmFilter } from "../../../test/envoy-static.js";
import { scrape, series } from "./scrape.js";

/* Series of a WasmPlugin's spec.metrics, as the control plane makes access loggers of them. */
function accessLogs(metrics: readonly MetricDefinition[]): object[] {
  return pluginAccessLogs("default/telemetry", metrics).map(
    ({ log }) => messageToJson(AccessLogSchema, create(AccessLogSchema, log)) as object,
  );
}

const BY_LABELS: MetricDefinition = {
  name: "shop_requests_total",
  type: "counter",
  labels: {
    tier: "%FILTER_STATE(wasm.weft.tier:PLAIN)%",
    page: "%FILTER_STATE(wasm.weft.page:PLAIN)%",
    cache: "%FILTER_STATE(wasm.weft.cache:PLAIN)%",
    region: "%FILTER_STATE(wasm.weft.region:PLAIN)%",
    method: "%REQ(:METHOD)%",
  },
};
const LABELS = [
  { name: "tier", requestHeader: "x-tier", maxValues: 20 },
  { name: "page", paths: ["/users/{id}", "/static/**"], fallback: "rest" },
  { name: "cache", responseHeader: "x-cache", fallback: "none" },
  { name: "region", value: "eu" },
];

let wasm: Uint8Array;
const running: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  ({ wasm } = await buildPlugin("telemetry"));
});

afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop();
});

async function start(labels: readonly object[]): Promise<{ envoy: RunningEnvoy; port: number }> {
  const listener = httpListener({
    name: "in",
    filters: [wasmFilter({ wasm, name: "telemetry", configuration: { metrics: [], labels } })],
    accessLog: accessLogs([BY_LABELS]),
    routes: [
      {
        match: { prefix: "/static" },
        direct_response: { status: 200 },
        response_headers_to_add: [{ header: { key: "x-cache", value: "hit" } }],
      },
      { match: { prefix: "/" }, direct_response: { status: 200 } },
    ],
  });
  const envoy = await startEnvoy({ resources: { listeners: [listener] } });
  running.push(() => envoy.stop());
  return { envoy, port: envoy.ports.get("in")! };
}

test("labels come from headers, the path's form and constants", async () => {
  const { envoy, port } = await start(LABELS);
  for (const id of [1, 2]) await send({ port, path: `/users/${id}`, headers: { "x-tier": "gold" } });
  await send({ port, path: "/static/a.css" });
  const users = { tier: "gold", page: "/users/{id}", cache: "none", region: "eu", method: "GET" };
  await series(envoy, "shop_requests_total", users, 2);
  await series(envoy, "shop_requests_total", { tier: "unknown", page: "/static/**", cache: "hit" }, 1);
});

test("whatever a client sends is a value that Prometheus reads", async () => {
  const { envoy, port } = await start(LABELS);
  await send({ port, headers: { "x-tier": `a"b\\c;d${"x".repeat(300)}` } });
  await series(envoy, "shop_requests_total", { tier: `a_b_c_d${"x".repeat(121)}` }, 1);
});

test("ten thousand values make no more series than allowed", async () => {
  const { envoy, port } = await start(LABELS);
  for (let i = 0; i < 10_000; i += 20) {
    await Promise.all(
      Array.from({ length: 20 }, (_, j) => send({ port, path: "/users/1", headers: { "x-tier": `user-${i + j}` } })),
    );
  }
  const overflow = await series(envoy, "shop_requests_total", { tier: "other" }, 9_980);
  expect(overflow.labels.page).toBe("/users/{id}");
  expect((await scrape(envoy, "shop_requests_total")).length).toBe(21);
  await series(envoy, "weft_telemetry_label_overflow_total", {}, 9_980);
});

test("a label without a limit of its own is limited by the access logger", async () => {
  const { envoy, port } = await start([{ name: "tier", requestHeader: "x-tier", maxValues: 10_000 }]);
  for (let i = 0; i < 2_100; i += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, j) => send({ port, headers: { "x-tier": `user-${i + j}` } })));
  }
  await series(envoy, "envoy_server_stats_overflow_counter", {}, 100);
  expect((await scrape(envoy, "shop_requests_total")).length).toBe(2_000);
});

test("attached to a running proxy, the next connection is counted with labels it did not know", async () => {
  const dir = await mkdtemp(join(tmpdir(), "weft-lds-"));
  running.push(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, "lds.json");
  const write = async (filters: readonly object[], accessLog: readonly object[]): Promise<void> => {
    const listener = { "@type": "type.googleapis.com/envoy.config.listener.v3.Listener" };
    const resource = { ...listener, ...httpListener({ name: "in", filters, accessLog }) };
    await writeFile(`${file}.new`, JSON.stringify({ version_info: "1", resources: [resource] }));
    await rename(`${file}.new`, file);
  };
  await write([], []);
  const lds_config = { path_config_source: { path: file }, resource_api_version: "V3" };
  const envoy = await startEnvoy({ resources: {}, dynamicResources: { lds_config } });
  running.push(() => envoy.stop());
  const listeners = JSON.parse(await envoy.admin("/listeners?format=json")) as {
    listener_statuses: [{ local_address: { socket_address: { port_value: number } } }];
  };
  const port = listeners.listener_statuses[0].local_address.socket_address.port_value;
  await send({ port, headers: { "x-tier": "gold" } });
  const filter = wasmFilter({ wasm, name: "telemetry", configuration: { metrics: [], labels: LABELS } });
  await write([filter], accessLogs([BY_LABELS]));
  for (let i = 0; i < 600 && !(await envoy.admin("/stats?filter=lds.update_success")).includes(": 2"); i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (let i = 0; i < 600 && (await scrape(envoy, "shop_requests_total")).length === 0; i++) {
    await send({ port, headers: { "x-tier": "gold" } });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect((await scrape(envoy, "shop_requests_total"))[0]?.labels).toEqual({
    tier: "gold",
    page: "rest",
    cache: "none",
    region: "eu",
    method: "GET",
  });
});
