import { type AbiVersion, CALLBACKS, hostSignatures, type ModuleDescription } from "@weft/sdk/host";
import { compareStrings } from "../model/compare.js";
import type { PluginPolicy } from "../model/mesh-config.js";
import type { Plugin } from "../model/plugin.js";
import type { ModuleProblem } from "./module-problem.js";

export type Capabilities =
  | {
      readonly ok: true;
      /** Host functions and callbacks that Envoy lets the module use, sorted. Never empty: that would be all. */
      readonly allowed: readonly string[];
      /** What the plugin asks for and the mesh does not allow, sorted. */
      readonly beyond: readonly string[];
    }
  | { readonly ok: false; readonly problem: ModuleProblem };

/**
 * What a module may use: what the object names, else what the module imports, cut by the mesh policy; and every callback
 * that it exports, which Envoy restricts too.
 */
export function capabilitiesOf(
  { capabilities }: Pick<Plugin, "capabilities">,
  { imports, exports }: ModuleDescription,
  abi: AbiVersion,
  { capabilities: ofMesh, mode }: Pick<PluginPolicy, "capabilities" | "mode">,
): Capabilities {
  const refuse = (reason: string, message: string): Capabilities => ({ ok: false, problem: { reason, message } });
  const known = new Set([...hostSignatures(abi).keys()].map((name) => name.slice(name.indexOf(".") + 1)));
  const unknown = capabilities?.find((name) => !known.has(name) && !Object.hasOwn(CALLBACKS, name));
  if (unknown !== undefined)
    return refuse(
      "UnknownCapability",
      `spec.capabilities: Envoy has no host function ${unknown}; write names as the module imports them, for example proxy_http_call`,
    );
  const imported = sorted(imports.flatMap(({ kind, name }) => (kind === "function" ? [name] : [])));
  const wanted = capabilities ?? imported;
  const beyond = ofMesh === undefined ? [] : wanted.filter((name) => known.has(name) && !ofMesh.includes(name));
  const functions = mode === "enforce" ? wanted.filter((name) => !beyond.includes(name)) : wanted;
  const callbacks = [...exports.keys()].filter((name) => name.startsWith("proxy_") && Object.hasOwn(CALLBACKS, name));
  if (imported.length > 0 && !imported.some((name) => functions.includes(name)))
    return refuse(
      "NoCapabilities",
      `the module imports ${list(imported)}, and ${capabilities === undefined ? "MeshConfig's plugins.capabilities allows" : "spec.capabilities (cut by MeshConfig) has"} none of them; allow what it needs`,
    );
  const allowed = sorted([...functions, ...callbacks]);
  if (allowed.length === 0)
    return refuse("NoCapabilities", "the module has neither imports nor callbacks, so it can do nothing");
  return { ok: true, allowed, beyond: sorted(beyond) };
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort(compareStrings);
}

function list(names: readonly string[]): string {
  return names.length > 10 ? `${names.slice(0, 10).join(", ")} and ${names.length - 10} more` : names.join(", ");
}
