import type { JsonObject } from "./json.js";
import { ADMIN_CLUSTER, HEALTH_PORT, METRICS_PORT } from "./ports.js";

const HTTP_CONNECTION_MANAGER =
  "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";

/** What must be reachable whatever the control plane says: metrics and health, and nothing else of the admin API. */
export function buildStaticListeners(address: string): readonly JsonObject[] {
  return [
    buildListener("metrics", address, METRICS_PORT, { path: "/stats/prometheus" }, "/stats/prometheus"),
    buildListener("health", address, HEALTH_PORT, { path: "/healthz/ready" }, "/ready"),
  ];
}

function buildListener(name: string, address: string, port: number, match: JsonObject, target: string): JsonObject {
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
    filter_chains: [{ filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }] }],
  };
}
