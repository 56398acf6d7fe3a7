import { compareStrings } from "./compare.js";
import { type Labels, matchesLabels } from "./selector.js";
import type { Service } from "./service.js";

/** Services that a caller uses, as `egress.hosts` names them. */
export interface EgressHost {
  /** Absent: of every namespace. */
  readonly namespace?: string;
  readonly host:
    | { readonly kind: "any" }
    | { readonly kind: "exact"; readonly value: string }
    /** What stands after `*`, the dot included. */
    | { readonly kind: "suffix"; readonly value: string };
}

/** What callers may reach beside the services that they use. */
export type OutboundMode = "ALLOW_ANY" | "REGISTRY_ONLY";

/** A networking.istio.io Sidecar: what the callers among the workloads use of the mesh. */
export interface Sidecar {
  readonly namespace: string;
  readonly name: string;
  /** Absent: the whole namespace, or in the root namespace every namespace that has none of its own. */
  readonly selector?: Labels;
  /** Any of them; empty: nothing. Absent: as without the object. */
  readonly egress?: readonly EgressHost[];
  /** Absent: what holds for the mesh. */
  readonly outbound?: OutboundMode;
}

/** Whether a service is among those that an entry of `egress.hosts` names. */
export function includesService(
  { namespace, host }: EgressHost,
  service: Pick<Service, "namespace" | "host">,
): boolean {
  if (namespace !== undefined && namespace !== service.namespace) return false;
  switch (host.kind) {
    case "any":
      return true;
    case "exact":
      return service.host === host.value;
    case "suffix":
      return service.host.endsWith(host.value);
  }
}

/**
 * The Sidecar that holds for a workload: one that selects it before the one of its namespace before the one of the root
 * namespace; among equals the first by name.
 */
export function sidecarFor(
  { namespace, labels }: { readonly namespace: string; readonly labels: Labels },
  sidecars: Iterable<Sidecar>,
  rootNamespace: string,
): Sidecar | undefined {
  let best: { readonly rank: number; readonly sidecar: Sidecar } | undefined;
  for (const sidecar of sidecars) {
    const rank = rankOf(sidecar, namespace, labels, rootNamespace);
    if (rank === undefined) continue;
    const isBetter =
      best === undefined ||
      rank < best.rank ||
      (rank === best.rank && compareStrings(sidecar.name, best.sidecar.name) < 0);
    if (isBetter) best = { rank, sidecar };
  }
  return best?.sidecar;
}

function rankOf(sidecar: Sidecar, namespace: string, labels: Labels, rootNamespace: string): number | undefined {
  if (sidecar.namespace === namespace) {
    if (sidecar.selector === undefined) return 1;
    return matchesLabels(sidecar.selector, labels) ? 0 : undefined;
  }
  return sidecar.namespace === rootNamespace && sidecar.selector === undefined ? 2 : undefined;
}
