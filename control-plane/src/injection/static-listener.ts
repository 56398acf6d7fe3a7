import type { JsonObject } from "./json.js";

const HTTP_CONNECTION_MANAGER =
  "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";

export interface StaticListener {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly routes: readonly JsonObject[];
  /** HTTP filters before the router. */
  readonly filters?: readonly JsonObject[];
  /** Without TLS when absent. */
  readonly transportSocket?: JsonObject;
  /** How long a request may be silent. Default: Envoy's. */
  readonly streamIdleTimeout?: string;
}

/** A listener of the bootstrap, which is there whatever the control plane says. */
export function buildStaticListener(listener: StaticListener): JsonObject {
  const { name, address, port, routes, filters = [], transportSocket, streamIdleTimeout } = listener;
  const manager: JsonObject = {
    "@type": HTTP_CONNECTION_MANAGER,
    stat_prefix: name,
    generate_request_id: false,
    ...(streamIdleTimeout === undefined ? {} : { stream_idle_timeout: streamIdleTimeout }),
    route_config: { name, virtual_hosts: [{ name, domains: ["*"], routes }] },
    http_filters: [...filters, { name: "envoy.filters.http.router", typed_config: { "@type": ROUTER } }],
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
