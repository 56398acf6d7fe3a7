import type { ServedPlugin } from "../model/module-state.js";
import type { Plugin } from "../model/plugin.js";
import { limitsOf } from "../model/plugin-limits.js";
import type { PluginManifest } from "../model/plugin-manifest.js";
import type { Verified } from "../model/verification.js";
import { checkAttachment } from "./attachment.js";
import { capabilitiesOf } from "./capabilities.js";
import { checkModule } from "./check-module.js";
import { foreignManifest } from "./foreign-manifest.js";
import { limitModule } from "./limit-module.js";
import type { ModuleProblem } from "./module-problem.js";
import type { PolicyInputs } from "./policy-inputs.js";
import { type PulledModule, servePlugin } from "./served-plugin.js";

export type DecodeManifest = (
  text: string,
) =>
  | { readonly ok: true; readonly manifest: PluginManifest }
  | { readonly ok: false; readonly messages: readonly string[] };

export type PrepareResult =
  | { readonly ok: true; readonly candidate: ServedPlugin }
  | { readonly ok: false; readonly stage: "Verified" | "Validated"; readonly problem: ModuleProblem };

/** A module to prepare, with its manifest where that was read before. */
export type RawModule = PulledModule & { readonly manifest?: PluginManifest };

/** Makes of a module that was pulled and verified what proxies would get: all but the proof that it works. */
export function prepareModule(
  plugin: Plugin,
  module: RawModule,
  verified: Omit<Verified, "beyond">,
  { mesh }: Pick<PolicyInputs, "mesh">,
  decodeManifest: DecodeManifest,
): PrepareResult {
  const { memoryBytes, maxModuleBytes } = limitsOf(plugin);
  const check = checkModule(module.wasm, maxModuleBytes);
  if (!check.ok) return { ok: false, stage: "Verified", problem: check.problem };
  const manifest = manifestOf(plugin, module, decodeManifest);
  if ("reason" in manifest) return { ok: false, stage: "Verified", problem: manifest };
  const mismatch = checkAttachment(plugin, manifest, module.wasm);
  if (mismatch !== undefined) return { ok: false, stage: "Validated", problem: mismatch };
  const capabilities = capabilitiesOf(plugin, check.description, check.abi, mesh);
  if (!capabilities.ok) return { ok: false, stage: "Validated", problem: capabilities.problem };
  const limited = limitModule(module.wasm, memoryBytes);
  if (!limited.ok) return { ok: false, stage: "Validated", problem: limited.problem };
  const { digest, wasmSha256 } = module;
  const { wasm, servedSha256 } = limited;
  const candidate = servePlugin(
    plugin,
    {
      digest,
      wasmSha256,
      servedSha256,
      wasm,
      memoryBytes,
      capabilities: capabilities.allowed,
      verified: { ...verified, beyond: capabilities.beyond },
    },
    manifest,
  );
  return { ok: true, candidate };
}

function manifestOf(
  plugin: Plugin,
  { pluginYaml, manifest }: RawModule,
  decodeManifest: DecodeManifest,
): PluginManifest | ModuleProblem {
  if (manifest !== undefined) return manifest;
  if (pluginYaml === undefined) return foreignManifest(plugin);
  const decoded = decodeManifest(pluginYaml);
  if (decoded.ok) return decoded.manifest;
  return { reason: "InvalidManifest", message: `plugin.yaml in the image: ${decoded.messages.join("; ")}` };
}
