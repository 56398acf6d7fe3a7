import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ClusterSchema } from "../envoy-api/gen/envoy/config/cluster/v3/cluster_pb.js";
import type { Protocol } from "../model/service.js";
import type { ConnectionPool, TrafficPolicy } from "../model/traffic-policy.js";
import { circuitBreakers } from "./circuit-breakers.js";
import { milliseconds } from "./duration.js";
import { httpProtocolOptions } from "./http-protocol-options.js";
import { loadBalancing } from "./load-balancing.js";
import { outlierDetection } from "./outlier-detection.js";

type ClusterInit = MessageInitShape<typeof ClusterSchema>;

/** Envoy's own is 5 s; Istio's users are used to this. */
const CONNECT_TIMEOUT_MS = 10_000;

/** What a policy makes of a cluster to which callers speak a protocol, however its endpoints are found. TLS is apart. */
export function trafficPolicyFields(
  policy: TrafficPolicy,
  protocol: Protocol,
): Pick<
  ClusterInit,
  | "connectTimeout"
  | "lbPolicy"
  | "lbConfig"
  | "commonLbConfig"
  | "circuitBreakers"
  | "outlierDetection"
  | "typedExtensionProtocolOptions"
  | "upstreamConnectionOptions"
> {
  const { connectionPool = {} } = policy;
  return {
    connectTimeout: milliseconds(connectionPool.connectTimeoutMs ?? CONNECT_TIMEOUT_MS),
    ...loadBalancing(policy),
    circuitBreakers: circuitBreakers(policy),
    ...(policy.outlierDetection === undefined ? {} : { outlierDetection: outlierDetection(policy.outlierDetection) }),
    ...httpProtocolOptions(policy, protocol),
    ...keepalive(connectionPool),
  };
}

function keepalive({ keepalive }: ConnectionPool): Pick<ClusterInit, "upstreamConnectionOptions"> {
  if (keepalive === undefined) return {};
  const { probes, timeMs, intervalMs } = keepalive;
  return {
    upstreamConnectionOptions: {
      tcpKeepalive: {
        ...(probes === undefined ? {} : { keepaliveProbes: probes }),
        ...(timeMs === undefined ? {} : { keepaliveTime: timeMs / 1000 }),
        ...(intervalMs === undefined ? {} : { keepaliveInterval: intervalMs / 1000 }),
      },
    },
  };
}
