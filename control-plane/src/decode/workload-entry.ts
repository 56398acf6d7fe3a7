import { isIPv4 } from "node:net";
import type { Labels } from "../model/selector.js";
import type { Workload } from "../model/workload.js";
import { type Reader, readInteger, readMap, readObject, readPort, readString, refuse, show } from "./fields.js";
import type { Metadata } from "./metadata.js";
import { readDnsLabel, readDnsSubdomain, readLabels } from "./names.js";
import type { Problems } from "./problems.js";

/** Label or annotation; `"false"` says that no sidecar runs beside the workload. */
export const INJECT_LABEL = "weft.mesh/inject";

/** Annotation; the command that `weft up` starts as the workload's app. */
export const RUN_ANNOTATION = "weft.mesh/run";

/** Weights of a cluster's endpoints must stay below 2^32 in sum. */
const MAX_WEIGHT = 1_000_000;

/**
 * A networking.istio.io WorkloadEntry. Its labels are those of the spec and of the metadata, which win.
 * https://istio.io/latest/docs/reference/config/networking/workload-entry/
 */
export function readWorkloadEntry(metadata: Metadata): Reader<Workload> {
  return readObject((fields, field) => {
    fields.unsupported({
      network: "remove network; several networks are not supported",
      locality: "remove locality; traffic is spread over all localities",
    });
    const address = fields.required("address", readAddress, "give the IPv4 address of the workload");
    const ports = fields.optional("ports", readMap(readDnsLabel, readPort)) ?? {};
    const specLabels = fields.optional("labels", readLabels) ?? {};
    const serviceAccount = fields.optional("serviceAccount", readDnsSubdomain) ?? "default";
    const weight = fields.optional("weight", readInteger(1, MAX_WEIGHT)) ?? 1;
    const hasSidecar = readInject(metadata, specLabels, field.problems);
    if (address === undefined) return undefined;
    const { namespace, name } = metadata;
    const labels = { ...specLabels, ...metadata.labels };
    const run = metadata.annotations[RUN_ANNOTATION];
    const workload = { namespace, name, address, labels, serviceAccount, ports, weight, hasSidecar };
    return run === undefined ? workload : { ...workload, run };
  });
}

const readAddress: Reader<string> = (field) => {
  const address = readString()(field);
  if (address === undefined) return undefined;
  if (!isIPv4(address))
    return refuse(field, "InvalidAddress", `${show(address)} is not an IPv4 address`, "write one such as 127.0.1.2");
  const first = Number(address.split(".")[0]);
  if (first >= 1 && first < 224) return address;
  return refuse(field, "InvalidAddress", `${show(address)} is no address of one machine`, "write the workload's own");
};

/** The metadata's label comes first, then its annotation, then the label of the spec. */
function readInject(metadata: Metadata, specLabels: Labels, problems: Problems): boolean {
  const places = [
    { path: ["metadata", "labels"], map: metadata.labels },
    { path: ["metadata", "annotations"], map: metadata.annotations },
    { path: ["spec", "labels"], map: specLabels },
  ];
  for (const { path, map } of places) {
    const value = map[INJECT_LABEL];
    if (value === undefined) continue;
    if (value === "true" || value === "false") return value === "true";
    problems.error([...path, INJECT_LABEL], "InvalidValue", `is ${show(value)}`, 'write "true" or "false"');
  }
  return true;
}
