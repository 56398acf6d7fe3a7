import type { JsonObject } from "./json.js";
import type { KubeletAccess } from "./kubelet-access.js";
import { buildKubeletListeners } from "./kubelet-listeners.js";
import { ADMIN_CLUSTER, ADMIN_PORT, XDS_CLUSTER } from "./ports.js";
import { buildProbeCluster } from "./probe-clusters.js";
import { buildStaticListeners } from "./static-listeners.js";
import { STATS_CONFIG } from "./stats.js";
import { buildXdsCluster, type XdsClusterOptions } from "./xds-cluster.js";

export interface BootstrapOptions extends XdsClusterOptions {
  readonly namespace: string;
  /** Of the workload. */
  readonly name: string;
  /** IP address of the workload; admin, metrics and health listen on it. */
  readonly address: string;
  /** Of the admin API. Default: the workload's address. */
  readonly adminAddress?: string;
  readonly serviceAccount: string;
  /** Of the workload, for plugins. They say nothing of who the proxy is: that is in its certificate. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Connections from outside that the sidecar takes at most. Default 50,000. */
  readonly maxDownstreamConnections?: number;
  /** In a pod: what its kubelet may ask. */
  readonly kubelet?: KubeletAccess;
}

const DEFAULT_MAX_CONNECTIONS = 50_000;
const CONNECTION_LIMIT =
  "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig";

/**
 * The bootstrap of a sidecar, in the JSON form of `envoy.config.bootstrap.v3.Bootstrap`. It names the control plane and
 * files, and holds no secret.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3/config/bootstrap/v3/bootstrap.proto
 */
export function buildBootstrap(options: BootstrapOptions): JsonObject {
  const { namespace, name, address, adminAddress = address, serviceAccount, labels = {}, kubelet } = options;
  return {
    node: {
      id: `sidecar~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`,
      cluster: `${serviceAccount}.${namespace}`,
      metadata: { NAMESPACE: namespace, ...(Object.keys(labels).length === 0 ? {} : { LABELS: labels }) },
    },
    admin: {
      address: { socket_address: { address: adminAddress, port_value: ADMIN_PORT } },
      ignore_global_conn_limit: true,
    },
    dynamic_resources: {
      ads_config: {
        api_type: "DELTA_GRPC",
        transport_api_version: "V3",
        set_node_on_first_message_only: true,
        grpc_services: [
          {
            envoy_grpc: {
              cluster_name: XDS_CLUSTER,
              retry_policy: { retry_back_off: { base_interval: "0.200s", max_interval: "5s" } },
            },
          },
        ],
      },
      // No time limit: a sidecar that knows no listeners must not call itself ready.
      cds_config: { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" },
      lds_config: { ads: {}, resource_api_version: "V3", initial_fetch_timeout: "0s" },
    },
    static_resources: {
      listeners: [
        ...buildStaticListeners(address, options),
        ...(kubelet === undefined ? [] : buildKubeletListeners(address, kubelet)),
      ],
      clusters: [
        buildXdsCluster(options),
        buildAdminCluster(adminAddress),
        ...(kubelet?.probes ?? []).map((probe) => buildProbeCluster(probe, address)),
      ],
    },
    stats_config: STATS_CONFIG,
    memory_allocator_manager: RETURNED_MEMORY,
    deferred_stat_options: { enable_deferred_creation_stats: true },
    layered_runtime: { layers: [{ name: "weft", static_layer: RUNTIME }] },
    overload_manager: {
      resource_monitors: [
        {
          name: "envoy.resource_monitors.global_downstream_max_connections",
          typed_config: {
            "@type": CONNECTION_LIMIT,
            max_active_downstream_connections: options.maxDownstreamConnections ?? DEFAULT_MAX_CONNECTIONS,
          },
        },
      ],
    },
  };
}

/**
 * While Envoy takes new routes it holds the old ones too. Its allocator would keep for ever what that took, in a mesh of
 * 5,000 services 40 MB. This is how much of what is free it gives back, and how often.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3/config/bootstrap/v3/bootstrap.proto#config-bootstrap-v3-memoryallocatormanager
 */
export const RETURNED_MEMORY = { bytes_to_release: 4 * 1024 * 1024, memory_release_interval: "1s" };

/** Envoy refuses routes with larger regular expressions than this; the decoder lets pass what fits. */
const RUNTIME = { "re2.max_program_size.error_level": 32768 };

function buildAdminCluster(address: string): JsonObject {
  return {
    name: ADMIN_CLUSTER,
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: {
      cluster_name: ADMIN_CLUSTER,
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address, port_value: ADMIN_PORT } } } }] },
      ],
    },
  };
}
