/**
 * How a sidecar's Envoy treats connections of a listener that is replaced, for example by one that wants mTLS. Each is
 * told with its next response that it ends, and after these 45 seconds it is cut; Envoy's own way would leave connections
 * on the old listener for ten minutes. https://www.envoyproxy.io/docs/envoy/v1.40.0/operations/cli
 */
export const DRAIN_ARGUMENTS = ["--drain-time-s", "45", "--drain-strategy", "immediate"] as const;
