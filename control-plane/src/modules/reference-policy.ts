import { parseReference } from "@weft/registry";
import type { PluginPolicy } from "../model/mesh-config.js";
import type { Plugin } from "../model/plugin.js";
import { matchesGlob } from "./glob.js";
import type { ModuleProblem } from "./module-problem.js";

/** What the mesh policy has against how a plugin names its image. */
export function referenceProblems(
  { url, sha256 }: Pick<Plugin, "url" | "sha256">,
  { registries, requireDigest }: Pick<PluginPolicy, "registries" | "requireDigest">,
  meshName: string,
): readonly ModuleProblem[] {
  const problems: ModuleProblem[] = [];
  const isFile = url.startsWith("file://");
  const registry = isFile ? "file://" : parseReference(url).registry;
  if (
    registries !== undefined &&
    !registries.some((glob) => glob === registry || (!isFile && matchesGlob(glob, registry)))
  ) {
    const allowed = registries.length === 0 ? "none" : registries.join(", ");
    const message = `spec.url names ${registry}, and ${meshName} allows ${allowed}; use an image from there, or add it to plugins.registries`;
    problems.push({ reason: "RegistryNotAllowed", message });
  }
  if (requireDigest && sha256 === undefined)
    problems.push({
      reason: "DigestRequired",
      message: `spec.url names no digest, and ${meshName} requires one; write @sha256:… after it, or sha256`,
    });
  return problems;
}
