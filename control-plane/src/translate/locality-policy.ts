import type { LocalityBalancing } from "../model/locality-balancing.js";
import type { TrafficPolicy } from "../model/traffic-policy.js";

const OFF: LocalityBalancing = { kind: "off" };
const NEAREST: LocalityBalancing = { kind: "failover", regions: [] };

/**
 * How a policy chooses between localities. Only outlier detection finds out that a locality fails, so without it
 * nothing is kept for when the nearer ones do, and all endpoints are used.
 * https://istio.io/latest/docs/tasks/traffic-management/locality-load-balancing/failover/
 */
export function localityBalancing({ loadBalancer, outlierDetection }: TrafficPolicy): LocalityBalancing {
  const setting = loadBalancer?.locality ?? NEAREST;
  if (setting.kind === "distribute" || outlierDetection !== undefined) return setting;
  return OFF;
}
