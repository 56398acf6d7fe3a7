import { join } from "node:path";
import { compilePlugin, formatDiagnostic, type PluginManifest } from "@weft/sdk/build";
import { ROOT } from "./repository.js";

export interface PluginBuild {
  wasm: Uint8Array;
  manifest: PluginManifest;
}

export class DoesNotCompileError extends Error {
  readonly code = "DOES_NOT_COMPILE";
}

/** Compiles a plugin's folder of the repository as `weft plugin build` does. */
export async function buildPlugin(dir: string): Promise<PluginBuild> {
  const built = await compilePlugin({ dir: join(ROOT, dir) });
  if (built.ok) return built;
  throw new DoesNotCompileError(`${dir} does not compile:\n${built.diagnostics.map(formatDiagnostic).join("\n")}`);
}
