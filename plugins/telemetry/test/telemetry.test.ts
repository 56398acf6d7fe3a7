import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";
import {
  cluster,
  httpListener,
  type RunningEnvoy,
  send,
  startEnvoy,
  startUpstream,
  type Upstream,
  wasmFilter,
} from "../../../test/envoy-static.js";

let envoy: RunningEnvoy;
let upstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream((req, res) => res.writeHead(req.url === "/missing" ? 404 : 200).end("body"));
  const { wasm, manifest } = await buildPlugin("telemetry");
  const tags = (labels: Record<string, string>) =>
    Object.entries(labels).map(([name, value_format]) => ({ name, value_format }));
  const log = {
    name: "envoy.access_loggers.stats",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.stats.v3.Config",
      stats_scope: { max_counters: 1000, prefix: "wasmcustom" },
      counters: manifest.metrics
        .filter((metric) => metric.type === "counter")
        .map((metric) => ({ stat: { name: metric.name, tags: tags(metric.labels) }, value_fixed: 1 })),
      histograms: manifest.metrics
        .filter((metric) => metric.type === "histogram")
        .map((metric) => ({ stat: { name: metric.name, tags: tags(metric.labels) }, value_format: metric.value })),
    },
  };
  const listener = (name: string, direction: string, target: string, configuration: object) => ({
    ...httpListener({
      name,
      filters: [wasmFilter({ wasm, name, vmId: "telemetry", configuration })],
      accessLog: [log],
      routes: [{ match: { prefix: "/" }, route: { cluster: target } }],
    }),
    traffic_direction: direction,
  });
  const outbound = "outbound|80|v2|backend.default.svc.cluster.local";
  const inbound = "inbound|8080||";
  envoy = await startEnvoy({
    resources: {
      clusters: [cluster(outbound, upstream.port), cluster(inbound, upstream.port)],
      listeners: [
        listener("out", "OUTBOUND", outbound, { operations: [{ name: "items", pathPrefix: "/items", method: "GET" }] }),
        listener("in", "INBOUND", inbound, {}),
      ],
    },
  });
});

afterAll(async () => {
  await envoy?.stop();
  await upstream?.stop();
});

/* The access log is written after the answer has left. */
async function series(name: string, wanted: string, value: number): Promise<Record<string, string>> {
  let text = "";
  for (let i = 0; i < 600; i++) {
    text = await envoy.admin("/stats/prometheus");
    const found = text.split("\n").find((line) => line.startsWith(`${name}{`) && line.includes(wanted));
    if (found?.endsWith(` ${value}`)) {
      return Object.fromEntries(Array.from(found.matchAll(/(\w+)="([^"]*)"/g), (match) => [match[1]!, match[2]!]));
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(
    `no ${name} with ${wanted} ${value} in:\n${text
      .split("\n")
      .filter((line) => line.includes("istio"))
      .join("\n")}`,
  );
}

test("outbound requests are counted with computed labels", async () => {
  for (let i = 0; i < 3; i++) await send({ port: envoy.ports.get("out")!, path: "/items/1" });
  expect(await series("istio_requests_total", 'request_operation="items"', 3)).toMatchObject({
    reporter: "source",
    source_workload: "frontend-1",
    source_workload_namespace: "default",
    destination_service: "backend.default.svc.cluster.local",
    destination_subset: "v2",
    destination_workload: "unknown",
    request_protocol: "http",
    response_code: "200",
    response_flags: "-",
    connection_security_policy: "unknown",
  });
});

test("a status is a label, and so is the protocol", async () => {
  const headers = { "content-type": "application/grpc+proto" };
  await send({ port: envoy.ports.get("out")!, path: "/missing", method: "POST", headers });
  expect(await series("istio_requests_total", 'response_code="404"', 1)).toMatchObject({
    request_protocol: "grpc",
    request_operation: "unknown",
  });
});

test("inbound requests name this workload as the destination", async () => {
  for (let i = 0; i < 2; i++) await send({ port: envoy.ports.get("in")! });
  expect(await series("istio_requests_total", 'reporter="destination"', 2)).toMatchObject({
    source_workload: "unknown",
    destination_workload: "frontend-1",
    destination_workload_namespace: "default",
    connection_security_policy: "none",
  });
});

test("durations are a histogram with the same labels", async () => {
  await send({ port: envoy.ports.get("in")!, path: "/duration" });
  const labels = await series("istio_request_duration_milliseconds_count", 'reporter="destination"', 3);
  expect(labels).toMatchObject({ destination_workload: "frontend-1", response_code: "200" });
});
