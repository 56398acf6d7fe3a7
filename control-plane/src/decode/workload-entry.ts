import { isIPv6 } from "node:net";
import type { Labels } from "../model/selector.js";
import type { Workload } from "../model/workload.js";
import { readIp } from "./addresses.js";
import { type Reader, readInteger, readMap, readObject, readPort, refuse, show } from "./fields.js";
import { labelledLocality, readLocality } from "./locality.js";
import type { Metadata } from "./metadata.js";
import { readDnsLabel, readDnsSubdomain, readLabels } from "./names.js";
import type { Problems } from "./problems.js";
import { MAX_WEIGHT, readIgnoredNetwork } from "./service-endpoint.js";

/** Label or annotation; `"false"` says that no sidecar runs beside the workload. */
export const INJECT_LABEL = "weft.mesh/inject";

/** Annotation; the command that `weft up` starts as the workload's app. */
export const RUN_ANNOTATION = "weft.mesh/run";

/** Annotation; `redirect` says that the workload is a network namespace of its own, with Weft's iptables rules in it. */
export const INTERCEPTION_ANNOTATION = "weft.mesh/interception";

/** Annotation; `"true"` says that these rules were made with `--capture-dns`. */
export const DNS_ANNOTATION = "weft.mesh/capture-dns";

/**
 * A networking.istio.io WorkloadEntry. Its labels are those of the spec and of the metadata, which win.
 * https://istio.io/latest/docs/reference/config/networking/workload-entry/
 */
export function readWorkloadEntry(metadata: Metadata): Reader<Workload> {
  return readObject((fields, field) => {
    fields.optional("network", readIgnoredNetwork);
    const interception = readInterception(metadata, field.problems);
    const address = fields.required("address", readAddress(interception), "give the IP address of the workload");
    const ports = fields.optional("ports", readMap(readDnsLabel, readPort)) ?? {};
    const specLabels = fields.optional("labels", readLabels) ?? {};
    const serviceAccount = fields.optional("serviceAccount", readDnsSubdomain) ?? "default";
    const weight = fields.optional("weight", readInteger(1, MAX_WEIGHT)) ?? 1;
    const capturesDns = readCapturesDns(metadata, interception, field.problems);
    const written = fields.optional("locality", readLocality);
    const hasSidecar = readInject(metadata, specLabels, field.problems);
    if (address === undefined) return undefined;
    const { namespace, name } = metadata;
    const labels = { ...specLabels, ...metadata.labels };
    const run = metadata.annotations[RUN_ANNOTATION];
    const locality = written ?? labelledLocality(labels);
    return {
      ...{ namespace, name, address, labels, serviceAccount, ports, weight, hasSidecar, interception, capturesDns },
      ...(locality === undefined ? {} : { locality }),
      ...(run === undefined ? {} : { run }),
    };
  });
}

/** Without interception a sidecar listens at the address of a loopback interface, and those are of IPv4. */
function readAddress(interception: Workload["interception"]): Reader<string> {
  return (field) => {
    const address = readIp(field);
    if (address === undefined || interception === "redirect" || !isIPv6(address)) return address;
    const hint = `write one such as 127.0.1.2, or set the annotation ${INTERCEPTION_ANNOTATION}: redirect`;
    return refuse(field, "InvalidAddress", `${show(address)} is of IPv6, which needs interception`, hint);
  };
}

function readInterception(metadata: Metadata, problems: Problems): Workload["interception"] {
  const value = metadata.annotations[INTERCEPTION_ANNOTATION];
  if (value === undefined || value === "none" || value === "redirect") return value ?? "none";
  const path = ["metadata", "annotations", INTERCEPTION_ANNOTATION];
  problems.error(path, "InvalidValue", `is ${show(value)}`, 'write "none" or "redirect"');
  return "none";
}

function readCapturesDns(metadata: Metadata, interception: Workload["interception"], problems: Problems): boolean {
  const value = metadata.annotations[DNS_ANNOTATION];
  if (value === undefined || value === "false") return false;
  const path = ["metadata", "annotations", DNS_ANNOTATION];
  if (value !== "true") problems.error(path, "InvalidValue", `is ${show(value)}`, 'write "true" or "false"');
  else if (interception !== "redirect")
    problems.error(
      path,
      "InvalidValue",
      "needs interception",
      `set the annotation ${INTERCEPTION_ANNOTATION}: redirect`,
    );
  return value === "true";
}

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
