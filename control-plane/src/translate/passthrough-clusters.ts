import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  ClusterSchema,
} from "../envoy-api/gen/envoy/config/cluster/v3/cluster_pb.js";
import type { BindConfigSchema } from "../envoy-api/gen/envoy/config/core/v3/address_pb.js";
import { HttpProtocolOptionsSchema } from "../envoy-api/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import type { Resource } from "../model/resource.js";
import { encodeResource, pack } from "./encode.js";
import { BLACK_HOLE_CLUSTER, INBOUND_PASSTHROUGH_CLUSTER, PASSTHROUGH_CLUSTER } from "./names.js";

/** The clusters that every sidecar with interception has. */
export const PASSTHROUGH_CLUSTERS: readonly string[] = [
  BLACK_HOLE_CLUSTER,
  INBOUND_PASSTHROUGH_CLUSTER,
  PASSTHROUGH_CLUSTER,
];

/**
 * The address that a sidecar calls its own app from: the rules of interception let what comes from it pass, and would
 * send it back to the sidecar otherwise.
 */
export const APP_BIND: MessageInitShape<typeof BindConfigSchema> = {
  sourceAddress: { address: "127.0.0.6", portSpecifier: { case: "portValue", value: 0 } },
  extraSourceAddresses: [{ address: { address: "::6", portSpecifier: { case: "portValue", value: 0 } } }],
};

const UNLIMITED = 0xffff_ffff;

/** What is called at the address that the caller meant, or nobody at all. */
export function buildPassthroughCluster(name: string): Resource {
  if (name === BLACK_HOLE_CLUSTER)
    return encodeResource("cluster", name, ClusterSchema, {
      name,
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STATIC },
      connectTimeout: { seconds: 1n },
    });
  return encodeResource("cluster", name, ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.ORIGINAL_DST },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    connectTimeout: { seconds: 10n },
    circuitBreakers: {
      thresholds: [{ maxConnections: UNLIMITED, maxPendingRequests: UNLIMITED, maxRequests: UNLIMITED }],
    },
    ...(name === INBOUND_PASSTHROUGH_CLUSTER
      ? { upstreamBindConfig: APP_BIND }
      : {
          typedExtensionProtocolOptions: {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(HttpProtocolOptionsSchema, {
              upstreamProtocolOptions: {
                case: "useDownstreamProtocolConfig",
                value: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
              },
            }),
          },
        }),
  });
}
