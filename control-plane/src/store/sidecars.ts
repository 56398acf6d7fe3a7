import { sortedEntries } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { Service } from "../model/service.js";
import type { Sidecar } from "../model/sidecar.js";

/** Sidecars that nothing follows from, and hosts that they name and that there are not. */
export function checkSidecars(
  sidecars: ReadonlyMap<string, Sidecar>,
  services: ReadonlyMap<string, Service>,
): readonly Diagnostic[] {
  /** By namespace: the Sidecar that holds for all of its workloads. */
  const inForce = new Map<string, string>();
  const problems: Diagnostic[] = [];
  for (const [, { namespace, name, selector, egress = [] }] of sortedEntries(sidecars)) {
    const object = { kind: "Sidecar", namespace, name };
    const other = inForce.get(namespace);
    if (selector === undefined && other === undefined) inForce.set(namespace, name);
    else if (selector === undefined)
      problems.push({
        severity: "error",
        object,
        field: "spec.workloadSelector",
        reason: "DuplicateSidecar",
        message: `is missing, and the Sidecar ${other} is for all workloads of ${namespace} already, so this one is for none`,
        hint: "remove one of the two, or give one a workloadSelector",
      });
    for (const { host } of egress)
      if (host.kind === "exact" && !services.has(host.value))
        problems.push({
          severity: "warning",
          object,
          field: "spec.egress",
          reason: "HostNotFound",
          message: `no Service is called ${host.value}`,
          hint: "correct the host, or leave it for a Service that is still to come",
        });
  }
  return problems;
}
