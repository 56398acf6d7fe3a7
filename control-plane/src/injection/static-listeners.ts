import { FAILURE_SUFFIX } from "../model/plugin-manifest.js";
import type { JsonObject } from "./json.js";
import { ADMIN_CLUSTER, HEALTH_PORT, METRICS_PORT, ROLLOUT_HEALTH_PATH, ROLLOUT_HEALTH_PORT } from "./ports.js";
import { buildControlPlaneTls, type ControlPlanePeer } from "./rollout-health-tls.js";

const HTTP_CONNECTION_MANAGER =
  "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";

/**
 * The counters that tell of the health of plugins, of all that a sidecar has: requests, those that failed, what became
 * of the VMs of plugins, and what plugins count as failures by the name of the series. The control plane picks those of
 * one plugin. Labels follow a name after `;` where a plugin counts, after `.` where the access logger does.
 */
const HEALTH_STATS = [
  "http\\.(in|out)bound_[0-9]+\\.downstream_rq_(completed|5xx)",
  "wasm\\..+\\.vm_reload_(success|backoff|failure)",
  `wasmcustom\\.[A-Za-z0-9_:]+${FAILURE_SUFFIX}([;.].*)?`,
];

/** What must be reachable whatever the control plane says: metrics and health, and nothing else of the admin API. */
export function buildStaticListeners(address: string, peer: ControlPlanePeer): readonly JsonObject[] {
  const healthStats = `/stats?format=json&type=Counters&filter=${encodeURIComponent(`^(${HEALTH_STATS.join("|")})$`)}`;
  return [
    buildListener("metrics", address, METRICS_PORT, { path: "/stats/prometheus" }, "/stats/prometheus"),
    buildListener("health", address, HEALTH_PORT, { path: "/healthz/ready" }, "/ready"),
    buildListener(
      "rollout_health",
      address,
      ROLLOUT_HEALTH_PORT,
      { path: ROLLOUT_HEALTH_PATH },
      healthStats,
      buildControlPlaneTls(peer),
    ),
  ];
}

function buildListener(
  name: string,
  address: string,
  port: number,
  match: JsonObject,
  target: string,
  transportSocket?: JsonObject,
): JsonObject {
  const manager: JsonObject = {
    "@type": HTTP_CONNECTION_MANAGER,
    stat_prefix: name,
    generate_request_id: false,
    route_config: {
      name,
      virtual_hosts: [
        {
          name,
          domains: ["*"],
          routes: [{ match, route: { cluster: ADMIN_CLUSTER, prefix_rewrite: target } }],
        },
      ],
    },
    http_filters: [{ name: "envoy.filters.http.router", typed_config: { "@type": ROUTER } }],
  };
  return {
    name,
    stat_prefix: name,
    address: { socket_address: { address, port_value: port } },
    // Under a flood of connections these are what shows it.
    ignore_global_conn_limit: true,
    filter_chains: [
      {
        filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }],
        ...(transportSocket === undefined ? {} : { transport_socket: transportSocket }),
      },
    ],
  };
}
