import { resolve } from "node:path";
import type { PluginArtifact } from "@weft/registry";
import { configOptions, type Diagnostic } from "@weft/sdk/build";
import { createPluginCompiler } from "../mesh/plugin-compiler.js";
import { type Built, buildPlugin, packBuilt } from "../mesh/plugin-publisher.js";
import {
  count,
  diagnosticsData,
  formatBytes,
  formatTable,
  type OutputFormat,
  printDiagnostics,
  printJson,
} from "../workbench/print.js";

export interface PluginBuildOptions {
  readonly debug?: boolean;
  readonly output?: OutputFormat;
}

type BuiltPlugin = Extract<Built, { ok: true }>;

/** Every sidecar gets the module within its configuration: what is larger than this is hardly a header's worth. */
const LARGE_BYTES = 256 * 1024;

/** `weft plugin build [DIR]`. Returns the exit code. */
export async function pluginBuild(dir: string, options: PluginBuildOptions = {}): Promise<number> {
  const { debug = false, output = "text" } = options;
  const built = await buildOnce(dir, debug);
  const diagnostics = [...built.diagnostics, ...(built.ok && !debug ? sizeWarnings(built) : [])];
  if (output === "text") printDiagnostics(diagnostics);
  if (!built.ok) {
    if (output === "json") printJson({ ok: false, diagnostics: diagnosticsData(diagnostics) });
    return 1;
  }
  const image = await packBuilt(built);
  if (output === "json") printJson({ ...buildData(built, debug, image), diagnostics: diagnosticsData(diagnostics) });
  else for (const line of buildLines(built, debug, image)) console.log(line);
  return 0;
}

/** Compiles the plugin in a folder, in a thread of its own. */
export async function buildOnce(dir: string, debug = false): Promise<Built> {
  const compiler = createPluginCompiler();
  try {
    return await buildPlugin(compiler, resolve(dir), { debug });
  } finally {
    await compiler.close();
  }
}

function buildData(built: BuiltPlugin, debug: boolean, image: PluginArtifact): object {
  const { name, version, rootId, wasmPath, sourceMapPath, wasm, manifest } = built;
  return {
    ok: true,
    name,
    version,
    rootId,
    variant: debug ? "debug" : "release",
    wasmPath,
    ...(sourceMapPath === undefined ? {} : { sourceMapPath }),
    wasmBytes: wasm.length,
    layerBytes: image.layer.descriptor.size,
    imageDigest: image.manifestDigest,
    callbacks: manifest.callbacks,
    capabilities: manifest.capabilities,
    configOptions: configOptions(manifest.configSchema),
  };
}

function buildLines(built: BuiltPlugin, debug: boolean, image: PluginArtifact): string[] {
  const { name, version, wasmPath, sourceMapPath, wasm, manifest } = built;
  const options = configOptions(manifest.configSchema);
  const names = options.map(({ path, required }) => (required ? `${path} (required)` : path));
  const sizes = `${formatBytes(wasm.length)}; ${formatBytes(image.layer.descriptor.size)} as an image's layer`;
  return [
    `${wasmPath} (${wasm.length} bytes)`,
    ...formatTable([
      [debug ? "debug" : "release", `${name} ${version}, ${sizes}`],
      ["callbacks", manifest.callbacks.join(" ")],
      ["host calls", manifest.capabilities.join(" ")],
      ["configuration", `${count(options.length, "option")}${names.length === 0 ? "" : `: ${names.join(", ")}`}`],
      ["image", image.manifestDigest],
      ...(sourceMapPath === undefined ? [] : [["source map", sourceMapPath]]),
    ]),
    ...(debug ? ["  not optimised, for looking into only: push what weft plugin build makes without --debug"] : []),
  ];
}

function sizeWarnings({ wasm }: BuiltPlugin): Diagnostic[] {
  if (wasm.length <= LARGE_BYTES) return [];
  const message =
    `the module has ${formatBytes(wasm.length)}, more than ${formatBytes(LARGE_BYTES)}; every sidecar gets it with its ` +
    "configuration and compiles it: weft plugin inspect shows what is large";
  return [{ severity: "warning", message }];
}
