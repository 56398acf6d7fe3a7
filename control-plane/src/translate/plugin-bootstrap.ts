import type { JsonValue } from "@bufbuild/protobuf";
import { AccessLogSchema } from "../envoy-api/gen/envoy/config/accesslog/v3/accesslog_pb.js";
import { TypedExtensionConfigSchema } from "../envoy-api/gen/envoy/config/core/v3/extension_pb.js";
import type { ServedPlugin } from "../model/module-state.js";
import { pluginAccessLogs } from "./access-logs.js";
import { wasmFilter } from "./extension-configs.js";
import { messageToJson } from "./json.js";

/**
 * A configuration that does nothing but load one plugin, for `envoy --mode validate`, which runs the plugin's
 * `on_configure` as a proxy would.
 */
export function pluginBootstrap(key: string, served: ServedPlugin): JsonValue {
  return {
    static_resources: {
      listeners: [
        {
          name: "preflight",
          address: { socket_address: { address: "127.0.0.1", port_value: 0 } },
          filter_chains: [
            {
              filters: [
                {
                  name: "envoy.filters.network.http_connection_manager",
                  typed_config: {
                    "@type":
                      "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    stat_prefix: "preflight",
                    route_config: { name: "preflight", virtual_hosts: [] },
                    // Those of TCP connections too: only Envoy knows whether their formats are right.
                    access_log: pluginAccessLogs(key, served.metrics).map(({ log }) =>
                      messageToJson(AccessLogSchema, log),
                    ),
                    http_filters: [
                      messageToJson(TypedExtensionConfigSchema, wasmFilter(key, served)),
                      {
                        name: "envoy.filters.http.router",
                        typed_config: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
                      },
                    ],
                  },
                },
              ],
            },
          ],
        },
      ],
    },
  };
}
