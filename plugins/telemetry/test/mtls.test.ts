import { afterAll, beforeAll, expect, test } from "vitest";
import { ISTIO_LABELS } from "../../../control-plane/src/injection/stats-tags.js";
import { buildPlugin } from "../../../test/build-plugin.js";
import { send } from "../../../test/envoy-static.js";
import { prometheusMissing, type RunningPrometheus, startPrometheus } from "../../../test/real/prometheus.js";
import { series } from "./scrape.js";
import { BACKEND, FRONTEND, startTwoProxies, type TwoProxies } from "./two-proxies.js";

/* Every standard label as a field of an access log line. */
const FIELDS = ["reporter", "source_workload", "destination_workload", "destination_principal", "destination_subset"];
const accessLog = [
  {
    name: "stdout",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
      log_format: {
        text_format_source: {
          inline_string: `labels ${FIELDS.map((name) => `%FILTER_STATE(wasm.weft.${name}:PLAIN)%`).join(" ")}\n`,
        },
      },
    },
  },
];

const CLIENT = {
  connection_security_policy: "unknown",
  destination_app: "backend",
  destination_canonical_revision: "v1",
  destination_canonical_service: "backend",
  destination_principal: BACKEND,
  destination_service: "backend.stock.svc.cluster.local",
  destination_service_name: "backend",
  destination_service_namespace: "stock",
  destination_version: "v1",
  destination_workload: "backend-1",
  destination_workload_namespace: "stock",
  reporter: "source",
  request_protocol: "http",
  response_code: "200",
  response_flags: "-",
  source_app: "frontend",
  source_canonical_revision: "latest",
  source_canonical_service: "frontend",
  source_principal: FRONTEND,
  source_version: "unknown",
  source_workload: "frontend-1",
  source_workload_namespace: "shop",
};
/* A certificate says the namespace, the service account and the workload, and no labels. */
const SERVER = {
  ...CLIENT,
  connection_security_policy: "mutual_tls",
  reporter: "destination",
  source_app: "unknown",
  source_canonical_revision: "unknown",
  source_canonical_service: "unknown",
};
const NOBODY = {
  ...CLIENT,
  destination_app: "unknown",
  destination_canonical_revision: "unknown",
  destination_canonical_service: "unknown",
  destination_principal: "unknown",
  destination_version: "unknown",
  destination_workload: "unknown",
  destination_workload_namespace: "unknown",
  source_principal: "unknown",
};

let proxies: TwoProxies;

beforeAll(async () => {
  const { wasm } = await buildPlugin("telemetry");
  proxies = await startTwoProxies({
    wasm,
    accessLog,
    configuration: { filterState: FIELDS },
    handle: (req, res) => {
      if (req.url === "/grpc") res.writeHead(200, { "content-type": "application/grpc", "grpc-status": "5" }).end();
      else res.writeHead(req.url === "/missing" ? 404 : 200).end("x".repeat(2000));
    },
  });
  for (let i = 0; i < 3; i++) await send({ port: proxies.port });
  await send({ port: proxies.port, path: "/missing" });
  await send({ port: proxies.port, path: "/direct" });
  await send({ port: proxies.port, path: "/nowhere" });
  const headers = { "content-type": "application/grpc+proto" };
  await send({ port: proxies.port, path: "/grpc", method: "POST", headers, body: "0".repeat(500) });
});

afterAll(() => proxies?.stop());

test("the caller's side has Istio's labels, all of them", async () => {
  const wanted = { response_code: "200", request_protocol: "http" };
  const counted = await series(proxies.client, "istio_requests_total", wanted, 3);
  expect(counted.labels).toEqual(CLIENT);
});

test("the callee's side has them too, but for what a certificate does not say", async () => {
  const wanted = { response_code: "200", request_protocol: "http" };
  expect((await series(proxies.server, "istio_requests_total", wanted, 3)).labels).toEqual(SERVER);
});

test("a request that was never sent has its service, or none", async () => {
  const refused = await series(proxies.client, "istio_requests_total", { response_code: "503" }, 1);
  expect(refused.labels).toEqual({
    ...NOBODY,
    response_code: "503",
    response_flags: "UH",
    destination_service: "nobody.stock.svc.cluster.local",
    destination_service_name: "nobody",
  });
  const direct = await series(proxies.client, "istio_requests_total", { response_code: "418" }, 1);
  expect(direct.labels).toEqual({
    ...NOBODY,
    response_code: "418",
    destination_service: "unknown",
    destination_service_name: "unknown",
    destination_service_namespace: "unknown",
  });
});

test("gRPC has its status as a label", async () => {
  for (const envoy of [proxies.client, proxies.server]) {
    const grpc = await series(envoy, "istio_requests_total", { request_protocol: "grpc" }, 1);
    expect(grpc.labels).toMatchObject({ grpc_response_status: "5", response_code: "200" });
  }
});

test("the sidecar knows all labels that the plugin writes, and no others of Istio's", async () => {
  const grpc = await series(proxies.server, "istio_requests_total", { request_protocol: "grpc" }, 1);
  expect([...Object.keys(grpc.labels), "request_operation"].sort()).toEqual(ISTIO_LABELS);
});

test("labels that are asked for are in access logs", async () => {
  const line = async (): Promise<string | undefined> => {
    for (let i = 0; i < 600; i++) {
      const found = /^labels source .*$/m.exec(proxies.client.log())?.[0];
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return undefined;
  };
  expect(await line()).toBe(`labels source frontend-1 backend-1 ${BACKEND} unknown`);
});

test.skipIf(prometheusMissing() !== undefined)("Prometheus answers with them", async () => {
  const path = "/stats/prometheus";
  const prometheus: RunningPrometheus = await startPrometheus({
    scrapeTargets: [
      { job: "client", port: proxies.client.adminPort, path },
      { job: "server", port: proxies.server.adminPort, path },
    ],
  });
  try {
    // Envoy shows histograms as of their last flush, which is every five seconds.
    await series(proxies.client, "istio_response_bytes_count", { reporter: "source", request_protocol: "grpc" }, 1);
    await series(proxies.server, "istio_response_bytes_count", { request_protocol: "grpc" }, 1);
    await prometheus.scraped();
    const by = "source_workload, destination_workload, response_code";
    expect(await prometheus.query(`sum by (${by}) (istio_requests_total{reporter="source"})`)).toEqual([
      { labels: { destination_workload: "backend-1", response_code: "200", source_workload: "frontend-1" }, value: 4 },
      { labels: { destination_workload: "backend-1", response_code: "404", source_workload: "frontend-1" }, value: 1 },
      { labels: { destination_workload: "unknown", response_code: "418", source_workload: "frontend-1" }, value: 1 },
      { labels: { destination_workload: "unknown", response_code: "503", source_workload: "frontend-1" }, value: 1 },
    ]);
    const served = 'sum by (source_principal) (istio_requests_total{reporter="destination"})';
    expect(await prometheus.query(served)).toEqual([{ labels: { source_principal: FRONTEND }, value: 5 }]);
    const slower = "histogram_quantile(0.5, sum by (le) (istio_request_duration_milliseconds_bucket))";
    expect((await prometheus.query(slower))[0]?.value).toBeGreaterThanOrEqual(0);
    const http = '{reporter="source", request_protocol="http", response_code="200"}';
    expect((await prometheus.query(`istio_response_bytes_sum${http}`))[0]?.value).toBeGreaterThan(6000);
    const small = `istio_response_bytes_bucket{le="1024", reporter="source", request_protocol="http", response_code="200"}`;
    expect((await prometheus.query(small))[0]?.value).toBe(0);
    expect((await prometheus.query(small.replace('"1024"', '"4096"')))[0]?.value).toBe(3);
    const types = (await proxies.client.admin(path)).split("\n").filter((each) => each.startsWith("# TYPE istio_"));
    expect(types.sort()).toEqual([
      "# TYPE istio_request_bytes histogram",
      "# TYPE istio_request_duration_milliseconds histogram",
      "# TYPE istio_requests_total counter",
      "# TYPE istio_response_bytes histogram",
    ]);
  } finally {
    await prometheus.stop();
  }
});
