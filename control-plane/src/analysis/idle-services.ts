import { sortedEntries } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { matchesLabels } from "../model/selector.js";
import { type Service, serviceHost } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";

/** Services behind which nobody stands: every request is answered with 503. */
export function idleServices({ services, workloads }: Pick<Snapshot, "services" | "workloads">): Diagnostic[] {
  return sortedEntries(services).flatMap(([, service]): Diagnostic[] => {
    if (hasEndpoints(service, [...workloads.values()])) return [];
    const isCore = service.host === serviceHost(service.name, service.namespace);
    const labels = Object.entries(service.selector).map(([name, value]) => `${name}=${value}`);
    return [
      {
        severity: "warning",
        object: { kind: isCore ? "Service" : "ServiceEntry", namespace: service.namespace, name: service.name },
        field: labels.length > 0 && isCore ? "spec.selector" : "spec",
        reason: "NoEndpoints",
        message:
          labels.length > 0
            ? `no WorkloadEntry of namespace ${service.namespace} has the labels ${labels.join(", ")}, so requests to ${service.host} are answered with 503`
            : `nothing stands behind ${service.host}, so requests to it are answered with 503`,
        hint: "add a WorkloadEntry with these labels, correct the selector, or remove the service",
      },
    ];
  });
}

function hasEndpoints(
  { namespace, selector, resolution }: Service,
  workloads: readonly { readonly namespace: string; readonly labels: Readonly<Record<string, string>> }[],
): boolean {
  switch (resolution.kind) {
    case "dns":
    case "original":
    case "externalName":
      return true;
    case "static":
      if (resolution.endpoints.length > 0) return true;
      break;
    case "workloads":
    case "headless":
      break;
  }
  return (
    Object.keys(selector).length > 0 &&
    workloads.some((workload) => workload.namespace === namespace && matchesLabels(selector, workload.labels))
  );
}
