import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PluginManifest } from "@weft/sdk/build";
import { buildPlugin } from "../measure/plugin-build.js";
import type { Module } from "./module.js";

export interface PluginModule extends Module {
  manifest: PluginManifest;
}

/** A plugin's folder of the repository, compiled to a file in `outDir`. */
export async function buildPluginModule(dir: string, outDir: string): Promise<PluginModule> {
  const { wasm, manifest } = await buildPlugin(dir);
  const path = join(outDir, `${manifest.name}.wasm`);
  await writeFile(path, wasm);
  return { path, bytes: wasm.length, madeWith: `${manifest.sdk.name} ${manifest.sdk.version}`, manifest };
}
