import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compilePlugin, formatDiagnostic, type PluginManifest } from "@weft/sdk/build";
import { configurable } from "../sdk/test/configure.js";

export interface BuiltPlugin {
  wasm: Uint8Array;
  manifest: PluginManifest;
}

function pluginDir(name: string): string {
  return fileURLToPath(new URL(`../plugins/${name}`, import.meta.url));
}

async function build(dir: string): Promise<BuiltPlugin> {
  const built = await compilePlugin({ dir });
  if (!built.ok) throw new Error(built.diagnostics.map(formatDiagnostic).join("\n"));
  return built;
}

/** Compiles the plugin of this name, as it is in the repository. */
export function buildPlugin(name: string): Promise<BuiltPlugin> {
  return build(pluginDir(name));
}

/**
 * Evaluates AssemblyScript expressions that give strings, beside a plugin's sources: its pure functions, as they are
 * compiled for Envoy. `declarations` stand before the expressions, imports among them.
 */
export async function evaluate(name: string, declarations: string, expressions: readonly string[]): Promise<string[]> {
  const dir = await mkdtemp(join(tmpdir(), "weft-plugin-"));
  try {
    await cp(join(pluginDir(name), "assembly"), join(dir, "assembly"), { recursive: true });
    await writeFile(join(dir, "plugin.yaml"), "name: probe\nversion: 1.0.0\n");
    const source = `import { HttpContext, log, NoConfig, registerRoot, RootContext } from "@weft/sdk";
${declarations}
class ProbeRoot extends RootContext<NoConfig> {
  onConfigure(): bool {
    ${expressions.map((expression) => `log.info(${expression});`).join("\n    ")}
    return true;
  }
}
class Probe extends HttpContext<NoConfig> {}
registerRoot<Probe, ProbeRoot>("probe");
`;
    await writeFile(join(dir, "assembly", "index.ts"), source);
    const { wasm } = await build(dir);
    return configurable(wasm)("{}").logs;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
