import { type Labels, matchesLabels } from "./selector.js";
import type { Workload } from "./workload.js";

/** STRICT: mTLS only. PERMISSIVE: mTLS and plaintext. DISABLE: plaintext only. */
export type MtlsMode = "STRICT" | "PERMISSIVE" | "DISABLE";

export interface PeerAuthentication {
  readonly namespace: string;
  readonly name: string;
  /** Absent: the whole namespace, or the whole mesh in the root namespace. */
  readonly selector?: Labels;
  /** Absent: what the wider scope says. */
  readonly mode?: MtlsMode;
  /** By a port of the workload itself, whatever its Services call it; only beside a selector. */
  readonly ports?: Readonly<Record<number, MtlsMode>>;
}

/**
 * The mode in force for a port of a workload, as the workload has it: workload before namespace before mesh; among equals
 * the first by name. What a policy says of the port counts before what it says of the workload.
 */
export function mtlsModeFor(
  workload: Workload,
  port: number,
  policies: Iterable<PeerAuthentication>,
  rootNamespace: string,
): MtlsMode {
  let best: { readonly rank: number; readonly name: string; readonly mode: MtlsMode } | undefined;
  for (const policy of policies) {
    const mode = policy.ports?.[port] ?? policy.mode;
    if (mode === undefined) continue;
    const rank = scopeRank(policy, workload, rootNamespace);
    if (rank === undefined) continue;
    if (best === undefined || rank < best.rank || (rank === best.rank && policy.name < best.name))
      best = { rank, name: policy.name, mode };
  }
  return best?.mode ?? "PERMISSIVE";
}

function scopeRank(policy: PeerAuthentication, workload: Workload, rootNamespace: string): number | undefined {
  if (policy.selector !== undefined) {
    const covers = policy.namespace === workload.namespace || policy.namespace === rootNamespace;
    if (!covers || !matchesLabels(policy.selector, workload.labels)) return undefined;
    return policy.namespace === workload.namespace ? 0 : 1;
  }
  if (policy.namespace === workload.namespace) return 2;
  return policy.namespace === rootNamespace ? 3 : undefined;
}
