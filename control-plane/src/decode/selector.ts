import type { Labels } from "../model/selector.js";
import { type Reader, readObject } from "./fields.js";
import { readLabels } from "./names.js";

/** A WorkloadSelector: labels that a workload must have; undefined, without a report, when it names none. */
export const readSelector: Reader<Labels> = readObject((fields) => {
  fields.unsupported({ matchExpressions: "select by matchLabels" });
  const labels = fields.optional("matchLabels", readLabels);
  return labels !== undefined && Object.keys(labels).length > 0 ? labels : undefined;
});
