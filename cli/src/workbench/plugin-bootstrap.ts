import { join } from "node:path";

/** A plugin as Envoy is to load it. */
export interface LoadedPlugin {
  readonly name: string;
  readonly rootId: string;
  readonly wasm: Uint8Array;
  /** JSON. */
  readonly config: string;
}

/** Name of the filter whose configuration is discovered. */
export const SLOT = "plugin";
const TYPE = "type.googleapis.com/";

/** A line of JSON on Envoy's standard output for each request; `envoy-line.ts` reads it. */
const ACCESS_LOG = {
  name: "envoy.access_loggers.stdout",
  typed_config: {
    "@type": `${TYPE}envoy.extensions.access_loggers.stream.v3.StdoutAccessLog`,
    log_format: {
      json_format: {
        weft_access: "1",
        method: "%REQ(:METHOD)%",
        path: "%REQ(:PATH)%",
        status: "%RESPONSE_CODE%",
        flags: "%RESPONSE_FLAGS%",
        details: "%RESPONSE_CODE_DETAILS%",
        duration_ms: "%DURATION%",
        bytes: "%BYTES_SENT%",
      },
    },
  },
};

/** The discovery response that puts the plugin into the listener's slot. */
export function slotResponse(plugin: LoadedPlugin, filename: string, version: string): object {
  return {
    version_info: version,
    resources: [
      {
        "@type": `${TYPE}envoy.config.core.v3.TypedExtensionConfig`,
        name: SLOT,
        typed_config: {
          "@type": `${TYPE}envoy.extensions.filters.http.wasm.v3.Wasm`,
          config: {
            name: plugin.name,
            root_id: plugin.rootId,
            failure_policy: "FAIL_RELOAD",
            allow_on_headers_stop_iteration: true,
            configuration: { "@type": `${TYPE}google.protobuf.StringValue`, value: plugin.config },
            vm_config: { vm_id: plugin.name, runtime: "envoy.wasm.runtime.v8", code: { local: { filename } } },
          },
        },
      },
    ],
  };
}

/** Envoy with one listener, one slot for a plugin, and one upstream. */
export function bootstrapOf({
  dir,
  port,
  adminPort,
  upstream,
}: {
  dir: string;
  port: number;
  adminPort: number;
  upstream: { host: string; port: number };
}): object {
  const slotFile = { path: join(dir, "slot", "slot.json"), watched_directory: { path: join(dir, "slot") } };
  return {
    node: { id: "sidecar~127.0.0.1~plugin.default~default.svc.cluster.local", cluster: "plugin.default" },
    admin: { address: { socket_address: { address: "127.0.0.1", port_value: adminPort } } },
    static_resources: {
      clusters: [
        {
          name: "upstream",
          type: "STRICT_DNS",
          connect_timeout: "2s",
          load_assignment: {
            cluster_name: "upstream",
            endpoints: [
              {
                lb_endpoints: [
                  {
                    endpoint: {
                      address: { socket_address: { address: upstream.host, port_value: upstream.port } },
                    },
                  },
                ],
              },
            ],
          },
        },
      ],
      listeners: [
        {
          name: "plugin",
          address: { socket_address: { address: "127.0.0.1", port_value: port } },
          filter_chains: [
            {
              filters: [
                {
                  name: "envoy.filters.network.http_connection_manager",
                  typed_config: {
                    "@type": `${TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
                    stat_prefix: "plugin",
                    access_log: [ACCESS_LOG],
                    route_config: {
                      name: "plugin",
                      virtual_hosts: [
                        {
                          name: "all",
                          domains: ["*"],
                          routes: [{ match: { prefix: "/" }, route: { cluster: "upstream", timeout: "0s" } }],
                        },
                      ],
                    },
                    http_filters: [
                      {
                        name: SLOT,
                        config_discovery: {
                          config_source: { path_config_source: slotFile, resource_api_version: "V3" },
                          type_urls: [`${TYPE}envoy.extensions.filters.http.wasm.v3.Wasm`],
                        },
                      },
                      {
                        name: "envoy.filters.http.router",
                        typed_config: { "@type": `${TYPE}envoy.extensions.filters.http.router.v3.Router` },
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
