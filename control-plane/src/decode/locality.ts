import type { Labels } from "../model/selector.js";
import { type Reader, readString, refuse, show } from "./fields.js";

const LOCALITY = /^[\w.-]+(\/[\w.-]+){0,2}$/;

/** `region/zone/subzone`, of which the later parts may be missing. */
export const readLocality: Reader<string> = (field) => {
  const text = readString(256)(field);
  if (text === undefined || LOCALITY.test(text)) return text;
  return refuse(
    field,
    "InvalidValue",
    `${show(text)} is not a locality`,
    "write region/zone/subzone, or the first parts",
  );
};

/**
 * The locality that labels tell: that of Istio's own label, in which `.` may stand for `/`, else of the topology
 * labels of Kubernetes. A zone without a region says nothing.
 * https://istio.io/latest/docs/tasks/traffic-management/locality-load-balancing/
 */
export function labelledLocality(labels: Labels): string | undefined {
  const whole = labels["istio-locality"]?.replaceAll(".", "/");
  if (whole !== undefined && LOCALITY.test(whole)) return whole;
  const parts = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone"].map(
    (name) => labels[name] ?? "",
  );
  const end = parts.indexOf("");
  return parts.slice(0, end < 0 ? 3 : end).join("/") || undefined;
}
