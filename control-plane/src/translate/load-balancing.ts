import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Cluster_LbPolicy,
  type Cluster_SlowStartConfigSchema,
  type ClusterSchema,
} from "../envoy-api/gen/envoy/config/cluster/v3/cluster_pb.js";
import type { TrafficPolicy, Warmup } from "../model/traffic-policy.js";
import { milliseconds } from "./duration.js";
import { localityBalancing } from "./locality-policy.js";

type ClusterInit = MessageInitShape<typeof ClusterSchema>;

/** Istio's, larger than Envoy's: shares are more even. */
const MINIMUM_RING = 1024;
const MAXIMUM_RING = 8_388_608n;

/** Which of its endpoints a cluster chooses for a request. */
export function loadBalancing(policy: TrafficPolicy): Pick<ClusterInit, "lbPolicy" | "lbConfig" | "commonLbConfig"> {
  return { ...algorithm(policy), ...common(policy) };
}

function algorithm({ loadBalancer = {} }: TrafficPolicy): Pick<ClusterInit, "lbPolicy" | "lbConfig"> {
  const { algorithm, warmup } = loadBalancer;
  const slowStart = warmup === undefined ? undefined : { slowStartConfig: slowStartConfig(warmup) };
  switch (algorithm?.kind) {
    case undefined:
    case "LEAST_REQUEST":
      return {
        lbPolicy: Cluster_LbPolicy.LEAST_REQUEST,
        ...(slowStart && { lbConfig: { case: "leastRequestLbConfig", value: slowStart } }),
      };
    case "ROUND_ROBIN":
      return {
        lbPolicy: Cluster_LbPolicy.ROUND_ROBIN,
        ...(slowStart && { lbConfig: { case: "roundRobinLbConfig", value: slowStart } }),
      };
    case "RANDOM":
      return { lbPolicy: Cluster_LbPolicy.RANDOM };
    case "PASSTHROUGH":
      return { lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED };
    case "consistentHash": {
      const { table } = algorithm;
      if (table.kind === "maglev")
        return {
          lbPolicy: Cluster_LbPolicy.MAGLEV,
          ...(table.size === undefined
            ? {}
            : { lbConfig: { case: "maglevLbConfig", value: { tableSize: BigInt(table.size) } } }),
        };
      const minimumRingSize = BigInt(table.minimumSize ?? MINIMUM_RING);
      return {
        lbPolicy: Cluster_LbPolicy.RING_HASH,
        lbConfig: { case: "ringHashLbConfig", value: { minimumRingSize, maximumRingSize: MAXIMUM_RING } },
      };
    }
  }
}

/** https://www.envoyproxy.io/docs/envoy/v1.40.0/intro/arch_overview/upstream/load_balancing/slow_start */
function slowStartConfig({
  durationMs,
  minimumPercent,
  aggression,
}: Warmup): MessageInitShape<typeof Cluster_SlowStartConfigSchema> {
  return {
    slowStartWindow: milliseconds(durationMs),
    ...(minimumPercent === undefined ? {} : { minWeightPercent: { value: minimumPercent } }),
    ...(aggression === undefined ? {} : { aggression: { defaultValue: aggression } }),
  };
}

function common(policy: TrafficPolicy): Pick<ClusterInit, "commonLbConfig"> {
  const { outlierDetection } = policy;
  const weighted = localityBalancing(policy).kind === "distribute";
  if (outlierDetection === undefined && !weighted) return {};
  return {
    commonLbConfig: {
      // Envoy's own 50 % would send requests to ejected endpoints, of which a service has few.
      ...(outlierDetection === undefined
        ? {}
        : { healthyPanicThreshold: { value: outlierDetection.minHealthPercent ?? 0 } }),
      ...(weighted ? { localityConfigSpecifier: { case: "localityWeightedLbConfig", value: {} } } : {}),
    },
  };
}
