import { sortedEntries } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { mtlsModeFor } from "../model/peer-authentication.js";
import { matchesLabels } from "../model/selector.js";
import type { Snapshot } from "../model/snapshot.js";

/** Workloads that are to take mutual TLS only, and have no sidecar that could: they go on in plaintext. */
export function plaintextOnly({ workloads, peerAuthentications, settings }: Snapshot): Diagnostic[] {
  return sortedEntries(peerAuthentications).flatMap(([, policy]): Diagnostic[] => {
    const { namespace, name, selector } = policy;
    const isStrict = policy.mode === "STRICT" || Object.values(policy.ports ?? {}).includes("STRICT");
    if (!isStrict) return [];
    const bare = sortedEntries(workloads).filter(
      ([, workload]) =>
        !workload.hasSidecar &&
        (workload.namespace === namespace || namespace === settings.rootNamespace) &&
        matchesLabels(selector ?? {}, workload.labels) &&
        // One that another policy, nearer to the workload, takes back is not meant.
        [0, ...Object.keys(policy.ports ?? {}).map(Number)].some(
          (port) => mtlsModeFor(workload, port, peerAuthentications.values(), settings.rootNamespace) === "STRICT",
        ),
    );
    if (bare.length === 0) return [];
    const names = bare.map(([key]) => key);
    return [
      {
        severity: "warning",
        object: { kind: "PeerAuthentication", namespace, name },
        field: policy.mode === "STRICT" ? "spec.mtls.mode" : "spec.portLevelMtls",
        reason: "StrictWithoutSidecar",
        message: `is STRICT, and ${names.slice(0, 5).join(", ")}${names.length > 5 ? ` and ${names.length - 5} more` : ""} ${names.length === 1 ? "has" : "have"} no sidecar: what they are sent is plaintext all the same`,
        hint: "give them sidecars, or except them by a PeerAuthentication of their own",
      },
    ];
  });
}
