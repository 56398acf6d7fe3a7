import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AccessLogSchema } from "../../../control-plane/src/envoy-api/gen/envoy/config/accesslog/v3/accesslog_pb.js";
import { pluginAccessLogs } from "../../../control-plane/src/translate/access-logs.js";
import { messageToJson } from "../../../control-plane/src/translate/json.js";
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
import { series } from "./scrape.js";
import { BACKEND, clientTls, FRONTEND, serverTls } from "./two-proxies.js";

const TCP_PROXY = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
/* The control plane's metadata of an inbound listener. */
const METADATA = {
  reporter: "destination",
  workload: "backend-1",
  namespace: "stock",
  app: "backend",
  version: "v1",
  canonical_service: "backend",
  canonical_revision: "v1",
  service: "backend",
  service_namespace: "stock",
  service_host: "backend.stock.svc.cluster.local",
};
const DESTINATION = {
  reporter: "destination",
  request_protocol: "tcp",
  response_flags: "-",
  source_workload: "unknown",
  source_workload_namespace: "unknown",
  source_app: "unknown",
  source_version: "unknown",
  source_canonical_service: "unknown",
  source_canonical_revision: "unknown",
  destination_workload: "backend-1",
  destination_workload_namespace: "stock",
  destination_app: "backend",
  destination_version: "v1",
  destination_canonical_service: "backend",
  destination_canonical_revision: "v1",
  destination_service: "backend.stock.svc.cluster.local",
  destination_service_name: "backend",
  destination_service_namespace: "stock",
};
const MUTUAL = {
  ...DESTINATION,
  source_principal: FRONTEND,
  destination_principal: BACKEND,
  connection_security_policy: "mutual_tls",
};
const PLAIN = {
  ...DESTINATION,
  source_principal: "unknown",
  destination_principal: "unknown",
  connection_security_policy: "none",
};

let upstream: Upstream;
let server: RunningEnvoy;
let client: RunningEnvoy;

beforeAll(async () => {
  upstream = await startUpstream((_, res) => res.end("x".repeat(1000)));
  const { manifest, wasm } = await buildPlugin("telemetry");
  const access_log = pluginAccessLogs("default/telemetry", manifest.metrics).map(({ log }) =>
    messageToJson(AccessLogSchema, create(AccessLogSchema, log)),
  );
  const listener = (name: string, options: object, chain: object): object => ({
    name,
    address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
    traffic_direction: "INBOUND",
    metadata: { filter_metadata: { "weft.mesh": METADATA } },
    filter_chains: [
      {
        ...chain,
        filters: [
          {
            name: "tcp",
            typed_config: {
              "@type": TCP_PROXY,
              stat_prefix: name,
              cluster: "app",
              access_log,
              access_log_options: { flush_access_log_on_connected: true },
              ...options,
            },
          },
        ],
      },
    ],
  });
  const afterHandshake = { upstream_connect_mode: "ON_DOWNSTREAM_TLS_HANDSHAKE", max_early_data_bytes: 65_536 };
  server = await startEnvoy({
    resources: {
      clusters: [cluster("app", upstream.port)],
      listeners: [
        listener("mutual", afterHandshake, { transport_socket: await serverTls() }),
        listener("plain", {}, {}),
        // As in every sidecar: Envoy leaves out the prefix of such series only where there is a Wasm plugin.
        httpListener({ name: "http", filters: [wasmFilter({ wasm, name: "telemetry" })] }),
      ],
    },
  });
  client = await startEnvoy({
    resources: {
      clusters: [{ ...cluster("server", server.ports.get("mutual")!), transport_socket: await clientTls() }],
      listeners: [
        httpListener({ name: "out", filters: [], routes: [{ match: { prefix: "/" }, route: { cluster: "server" } }] }),
      ],
    },
  });
});

afterAll(async () => {
  await client?.stop();
  await server?.stop();
  await upstream?.stop();
});

test("a connection is counted when it opens, and its bytes when it has closed", async () => {
  await send({ port: client.ports.get("out")! });
  // The caller's pool keeps the connection.
  const opened = await series(server, "istio_tcp_connections_opened_total", {}, 1);
  expect(opened.labels).toEqual(MUTUAL);
  await client.stop();
  const closed = await series(server, "istio_tcp_connections_closed_total", {}, 1);
  expect(closed.labels).toEqual(MUTUAL);
  for (const [name, least] of [
    ["istio_tcp_sent_bytes_total", 1000],
    ["istio_tcp_received_bytes_total", 20],
  ] as const) {
    const text = await server.admin("/stats/prometheus");
    const line = text.split("\n").find((each) => each.startsWith(`${name}{`) && each.includes("mutual_tls"));
    expect(Number(line?.split(" ").at(-1))).toBeGreaterThan(least);
  }
});

test("a connection without a certificate says so", async () => {
  await send({ port: server.ports.get("plain")! });
  const wanted = { connection_security_policy: "none" };
  expect((await series(server, "istio_tcp_connections_opened_total", wanted, 1)).labels).toEqual(PLAIN);
  expect((await series(server, "istio_tcp_connections_closed_total", wanted, 1)).labels).toEqual(PLAIN);
});
