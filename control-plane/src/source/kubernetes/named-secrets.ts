import type { MeshObject } from "../../model/mesh-object.js";
import type { KeySource } from "../../model/verification.js";

/** The Secrets that an object names, all of its own namespace, as `<namespace>/<name>`. */
export function namedSecrets(object: MeshObject): readonly string[] {
  const names = namesIn(object);
  return [...new Set(names)].map((name) => `${object.value.namespace}/${name}`);
}

function namesIn(object: MeshObject): readonly string[] {
  if (object.kind === "MeshConfig") return namesOfKeys(object.value.plugins.verification.keys);
  if (object.kind !== "WasmPlugin") return [];
  const { imagePullSecret, verification } = object.value;
  return [...(imagePullSecret === undefined ? [] : [imagePullSecret]), ...namesOfKeys(verification?.keys ?? [])];
}

function namesOfKeys(keys: readonly KeySource[]): readonly string[] {
  return keys.flatMap((key) => (key.kind === "secret" ? [key.name] : []));
}
