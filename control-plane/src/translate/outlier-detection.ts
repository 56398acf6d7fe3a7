import type { MessageInitShape } from "@bufbuild/protobuf";
import type { OutlierDetectionSchema } from "../envoy-api/gen/envoy/config/cluster/v3/outlier_detection_pb.js";
import type { OutlierDetection } from "../model/traffic-policy.js";
import { milliseconds } from "./duration.js";

/**
 * Endpoints are ejected for what they did in a row, and never for being worse than the others: with the few endpoints
 * of a service that would say nothing.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/intro/arch_overview/upstream/outlier
 */
export function outlierDetection(detection: OutlierDetection): MessageInitShape<typeof OutlierDetectionSchema> {
  const { consecutive5xxErrors, consecutiveGatewayErrors, consecutiveLocalOriginFailures } = detection;
  const { intervalMs, baseEjectionTimeMs, maxEjectionPercent, splitExternalLocalOriginErrors } = detection;
  return {
    enforcingSuccessRate: 0,
    ...(consecutive5xxErrors === undefined
      ? {}
      : { consecutive5xx: consecutive5xxErrors, enforcingConsecutive5xx: enforcing(consecutive5xxErrors) }),
    ...(consecutiveGatewayErrors === undefined
      ? {}
      : {
          consecutiveGatewayFailure: consecutiveGatewayErrors,
          enforcingConsecutiveGatewayFailure: enforcing(consecutiveGatewayErrors),
        }),
    ...(intervalMs === undefined ? {} : { interval: milliseconds(intervalMs) }),
    ...(baseEjectionTimeMs === undefined ? {} : { baseEjectionTime: milliseconds(baseEjectionTimeMs) }),
    ...(maxEjectionPercent === undefined ? {} : { maxEjectionPercent }),
    ...(splitExternalLocalOriginErrors === true
      ? {
          splitExternalLocalOriginErrors,
          enforcingLocalOriginSuccessRate: 0,
          ...(consecutiveLocalOriginFailures === undefined
            ? {}
            : {
                consecutiveLocalOriginFailure: consecutiveLocalOriginFailures,
                enforcingConsecutiveLocalOriginFailure: enforcing(consecutiveLocalOriginFailures),
              }),
        }
      : {}),
  };
}

/** The share of detections that eject: 0 errors in a row switch one off. */
function enforcing(errors: number): number {
  return errors > 0 ? 100 : 0;
}
