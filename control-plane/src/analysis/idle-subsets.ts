import { sortedEntries } from "../model/compare.js";
import { coversHost } from "../model/destination-rule.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { type Labels, matchesLabels } from "../model/selector.js";
import type { Service } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";

/** Subsets that no workload is in: what is routed to them is answered with 503. */
export function idleSubsets({
  destinationRules,
  services,
  workloads,
}: Pick<Snapshot, "destinationRules" | "services" | "workloads">): Diagnostic[] {
  const all = [...workloads.values()];
  return sortedEntries(destinationRules).flatMap(([, { namespace, name, host, subsets }]) => {
    const covered = [...services.values()].filter((service) => coversHost(host, service.host));
    // Without a service nothing follows from the rule at all, and who answers for a name is DNS's matter.
    if (covered.length === 0 || covered.some(({ resolution }) => resolution.kind === "original")) return [];
    return subsets.flatMap((subset, index): Diagnostic[] => {
      if (covered.some((service) => labelsBehind(service, all).some((labels) => matchesLabels(subset.labels, labels))))
        return [];
      const wanted = Object.entries(subset.labels).map(([label, value]) => `${label}=${value}`);
      return [
        {
          severity: "warning",
          object: { kind: "DestinationRule", namespace, name },
          field: `spec.subsets[${index}]`,
          reason: "EmptySubset",
          message: `none of the workloads behind ${host} has the labels ${wanted.join(", ")} of subset ${subset.name}, so what is routed to it is answered with 503`,
          hint: "correct the labels, add a WorkloadEntry that has them, or remove the subset",
        },
      ];
    });
  });
}

/** The labels of all that may answer for a service. */
function labelsBehind(
  { namespace, selector, resolution }: Service,
  workloads: readonly { readonly namespace: string; readonly labels: Labels }[],
): readonly Labels[] {
  const written = resolution.kind === "static" || resolution.kind === "dns" ? resolution.endpoints : [];
  const selected =
    Object.keys(selector).length === 0
      ? []
      : workloads.filter((workload) => workload.namespace === namespace && matchesLabels(selector, workload.labels));
  return [...written, ...selected].map(({ labels }) => labels);
}
