import { sortedEntries } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { isInForce, type MeshConfig } from "../model/mesh-config.js";

/** A policy that holds for nobody: whoever wrote it believes that it does. */
export function checkMeshConfigs(
  meshConfigs: ReadonlyMap<string, MeshConfig>,
  rootNamespace: string,
): readonly Diagnostic[] {
  return sortedEntries(meshConfigs)
    .filter(([, config]) => !isInForce(config, rootNamespace))
    .map(([, { namespace, name }]) => ({
      severity: "error",
      object: { kind: "MeshConfig", namespace, name },
      field: "metadata.namespace",
      reason: "NotInRootNamespace",
      message: `is ${namespace}, so nothing follows from the object`,
      hint: `put it into the namespace ${rootNamespace}`,
    }));
}
