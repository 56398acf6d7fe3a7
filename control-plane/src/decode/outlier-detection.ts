import type { OutlierDetection } from "../model/traffic-policy.js";
import { defined } from "./defined.js";
import { readDurationMs } from "./duration.js";
import { type Reader, readBoolean, readInteger, readObject } from "./fields.js";

const readCount = readInteger(0, 1_000_000);
const readShare = readInteger(0, 100);

/** https://istio.io/latest/docs/reference/config/networking/destination-rule/#OutlierDetection */
export const readOutlierDetection: Reader<OutlierDetection> = readObject((fields, field) => {
  fields.belongElsewhere({ consecutiveErrors: "it was removed from the API; use consecutive5xxErrors" });
  const detection = defined({
    splitExternalLocalOriginErrors: fields.optional("splitExternalLocalOriginErrors", readBoolean),
    consecutiveLocalOriginFailures: fields.optional("consecutiveLocalOriginFailures", readCount),
    consecutiveGatewayErrors: fields.optional("consecutiveGatewayErrors", readCount),
    consecutive5xxErrors: fields.optional("consecutive5xxErrors", readCount),
    intervalMs: fields.optional("interval", readDurationMs()),
    baseEjectionTimeMs: fields.optional("baseEjectionTime", readDurationMs()),
    maxEjectionPercent: fields.optional("maxEjectionPercent", readShare),
    minHealthPercent: fields.optional("minHealthPercent", readShare),
  });
  if (detection.consecutiveLocalOriginFailures !== undefined && detection.splitExternalLocalOriginErrors !== true)
    field.problems.warning(
      [...field.path, "consecutiveLocalOriginFailures"],
      "NoEffect",
      "has no effect while failures to connect count as 5xx errors",
      "set splitExternalLocalOriginErrors: true",
    );
  return detection;
});
