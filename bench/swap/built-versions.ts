import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PluginCompiler } from "weft/dist/mesh/plugin-compiler.js";
import { type Built, buildPlugin } from "weft/dist/mesh/plugin-publisher.js";
import { DoesNotCompileError } from "../measure/plugin-build.js";
import { ROOT } from "../measure/repository.js";

export type BuiltPlugin = Extract<Built, { ok: true }>;

/** The benchmark's plugin, built so that it answers with this version. */
export async function buildVersion(compiler: PluginCompiler, scratch: string, version: string): Promise<BuiltPlugin> {
  const dir = join(scratch, `plugin-${version}`);
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  await cp(join(ROOT, "bench", "swap", "plugin"), dir, { recursive: true });
  await writeFile(join(dir, "assembly", "version.ts"), `export const VERSION = ${JSON.stringify(version)};\n`);
  const built = await buildPlugin(compiler, dir);
  if (built.ok) return built;
  throw new DoesNotCompileError(`bench/swap/plugin does not compile:\n${built.messages.join("\n")}`);
}
