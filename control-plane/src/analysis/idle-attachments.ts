import { sortedEntries } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { type Labels, matchesLabels } from "../model/selector.js";
import type { Snapshot } from "../model/snapshot.js";

/** An object that says by labels which workloads it is for. */
interface Selecting {
  readonly namespace: string;
  readonly name: string;
  readonly selector?: Labels;
  readonly targetServices?: unknown;
  readonly targetRoutes?: unknown;
}

/** Plugins and policies that no workload with a sidecar is selected by. */
export function idleAttachments(snapshot: Snapshot): Diagnostic[] {
  const { plugins, authorizationPolicies, requestAuthentications, peerAuthentications, telemetries, sidecars } =
    snapshot;
  const kinds: readonly (readonly [kind: string, field: string, all: ReadonlyMap<string, Selecting>])[] = [
    ["WasmPlugin", "spec.selector", plugins],
    ["AuthorizationPolicy", "spec.selector", authorizationPolicies],
    ["RequestAuthentication", "spec.selector", requestAuthentications],
    ["PeerAuthentication", "spec.selector", peerAuthentications],
    ["Telemetry", "spec.selector", telemetries],
    ["Sidecar", "spec.workloadSelector", sidecars],
  ];
  return kinds.flatMap(([kind, field, all]) =>
    sortedEntries(all).flatMap(([, object]): Diagnostic[] => {
      // That a target is missing is said by the store.
      if (object.targetServices !== undefined || object.targetRoutes !== undefined) return [];
      if (isForSomebody(object, snapshot)) return [];
      const { namespace, name, selector } = object;
      const where = namespace === snapshot.settings.rootNamespace ? "of the mesh" : `of namespace ${namespace}`;
      const labels = Object.entries(selector ?? {}).map(([label, value]) => `${label}=${value}`);
      const who = `no workload with a sidecar ${where}`;
      return [
        {
          severity: "warning",
          object: { kind, namespace, name },
          ...(selector === undefined ? {} : { field }),
          reason: "SelectsNothing",
          message: `${labels.length > 0 ? `${who} has the labels ${labels.join(", ")}` : `there is ${who}`}, so nothing follows from it`,
          hint: "correct the selector or the namespace, or remove the object",
        },
      ];
    }),
  );
}

function isForSomebody({ namespace, selector }: Selecting, { workloads, settings }: Snapshot): boolean {
  return [...workloads.values()].some(
    (workload) =>
      workload.hasSidecar &&
      (workload.namespace === namespace || namespace === settings.rootNamespace) &&
      matchesLabels(selector ?? {}, workload.labels),
  );
}
