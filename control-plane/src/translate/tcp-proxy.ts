import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AccessLogSchema } from "../envoy-api/gen/envoy/config/accesslog/v3/accesslog_pb.js";
import type { FilterSchema } from "../envoy-api/gen/envoy/config/listener/v3/listener_components_pb.js";
import {
  TcpProxySchema,
  UpstreamConnectMode,
} from "../envoy-api/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.js";
import type { TrafficPolicy } from "../model/traffic-policy.js";
import { milliseconds } from "./duration.js";
import { pack } from "./encode.js";

/** What a caller may send before its handshake is over and the app is called. */
const MAX_EARLY_DATA_BYTES = 65_536;

export interface TcpProxySite {
  readonly statPrefix: string;
  /** One cluster, or several with their weights, not all zero. */
  readonly clusters: readonly { readonly name: string; readonly weight: number }[];
  readonly accessLog?: readonly MessageInitShape<typeof AccessLogSchema>[];
  /** How the callers treat where the connections go. */
  readonly policy?: TrafficPolicy;
  /** Whether mesh TLS ends here, so that the caller's name is known after the handshake. */
  readonly isMesh?: boolean;
}

/** The network filter that passes bytes on as they are, both ends half-closed by themselves. */
export function tcpProxy({
  statPrefix,
  clusters,
  accessLog = [],
  policy = {},
  isMesh = false,
}: TcpProxySite): MessageInitShape<typeof FilterSchema> {
  const [only] = clusters;
  return {
    name: "envoy.filters.network.tcp_proxy",
    configType: {
      case: "typedConfig",
      value: pack(TcpProxySchema, {
        statPrefix,
        clusterSpecifier:
          clusters.length === 1 && only !== undefined
            ? { case: "cluster", value: only.name }
            : {
                case: "weightedClusters",
                value: { clusters: clusters.map(({ name, weight }) => ({ name, weight })) },
              },
        ...connectionFields(policy),
        ...(accessLog.length === 0
          ? {}
          : { accessLog: [...accessLog], accessLogOptions: { flushAccessLogOnConnected: true } }),
        // Else the app is called while the caller's name is not known yet, and the connection is counted without it.
        ...(accessLog.length > 0 && isMesh
          ? {
              upstreamConnectMode: UpstreamConnectMode.ON_DOWNSTREAM_TLS_HANDSHAKE,
              maxEarlyDataBytes: MAX_EARLY_DATA_BYTES,
            }
          : {}),
      }),
    },
  };
}

/** What of a policy the proxy of the connections does, and not the cluster. */
function connectionFields({
  connectionPool = {},
  loadBalancer,
}: TrafficPolicy): Pick<
  MessageInitShape<typeof TcpProxySchema>,
  "idleTimeout" | "maxDownstreamConnectionDuration" | "hashPolicy"
> {
  const { tcpIdleTimeoutMs, maxConnectionDurationMs } = connectionPool;
  const { algorithm } = loadBalancer ?? {};
  return {
    ...(tcpIdleTimeoutMs === undefined ? {} : { idleTimeout: milliseconds(tcpIdleTimeoutMs) }),
    ...(maxConnectionDurationMs === undefined
      ? {}
      : { maxDownstreamConnectionDuration: milliseconds(maxConnectionDurationMs) }),
    // Of a connection only its source is known.
    ...(algorithm?.kind === "consistentHash" && algorithm.key.kind === "sourceIp"
      ? { hashPolicy: [{ policySpecifier: { case: "sourceIp", value: {} } }] }
      : {}),
  };
}
