import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isMissing, writeAtomic } from "@weft/control-plane/identity/atomic-file";
import { type PluginArtifact, packPlugin, parseReference, pushPlugin, type RegistryClient } from "@weft/registry";
import { type Diagnostic, formatDiagnostic, type PluginManifest } from "@weft/sdk/build";
import { WorkbenchError } from "../workbench/workbench-error.js";
import type { PluginCompiler } from "./plugin-compiler.js";

export type Published =
  | {
      readonly ok: true;
      readonly name: string;
      readonly reference: string;
      readonly digest: string;
      readonly wasmPath: string;
      readonly wasmBytes: number;
      readonly tookMs: number;
    }
  | { readonly ok: false; readonly name: string; readonly messages: readonly string[] };

export type Built =
  | {
      readonly ok: true;
      /** The plugin's folder. */
      readonly dir: string;
      readonly name: string;
      readonly version: string;
      readonly rootId: string;
      readonly wasm: Uint8Array;
      readonly manifest: PluginManifest;
      readonly pluginYaml: string;
      /** Where the module was written. */
      readonly wasmPath: string;
      /** Where its source map was written. */
      readonly sourceMapPath?: string;
      /** Warnings. */
      readonly diagnostics: readonly Diagnostic[];
    }
  | { readonly ok: false; readonly messages: readonly string[]; readonly diagnostics: readonly Diagnostic[] };

const MAX_README_BYTES = 1024 * 1024;

/**
 * Compiles the plugin in a folder and writes the module and its completed manifest to `build/` in it, with `debug` also
 * the source map.
 */
export async function buildPlugin(
  compiler: PluginCompiler,
  dir: string,
  { debug = false }: { readonly debug?: boolean } = {},
): Promise<Built> {
  const compiled = await compiler.compile({ dir, debug });
  const { diagnostics } = compiled;
  if (!compiled.ok) return { ok: false, messages: diagnostics.map(formatDiagnostic), diagnostics };
  const { wasm, pluginYaml, manifest, sourceMap } = compiled;
  const wasmPath = join(dir, "build", "plugin.wasm");
  const sourceMapPath = `${wasmPath}.map`;
  await mkdir(join(dir, "build"), { recursive: true });
  await writeAtomic(wasmPath, wasm);
  await writeAtomic(join(dir, "build", "plugin.yaml"), pluginYaml);
  // A map that is of another build would name wrong lines.
  if (sourceMap === undefined) await rm(sourceMapPath, { force: true });
  else await writeAtomic(sourceMapPath, sourceMap);
  const { name, version, rootId } = manifest;
  const built = { ok: true, dir, name, version, rootId, wasm, manifest, pluginYaml, wasmPath, diagnostics } as const;
  return sourceMap === undefined ? built : { ...built, sourceMapPath };
}

/** Pushes what was built. */
export async function pushBuilt(
  client: RegistryClient,
  built: Extract<Built, { ok: true }>,
  reference: string,
): Promise<{ readonly digest: string }> {
  return pushPlugin(client, parseReference(reference), await packBuilt(built));
}

/**
 * What was built as an image: module, manifest and README, with annotations that tell what it is. No path, date or user
 * is in it: the same sources give the same digest everywhere.
 */
export async function packBuilt({
  dir,
  wasm,
  pluginYaml,
  manifest,
}: Extract<Built, { ok: true }>): Promise<PluginArtifact> {
  const readme = await readReadme(join(dir, "README.md"));
  const { name, version, description, rootId, abi, sdk, capabilities } = manifest;
  return packPlugin({
    wasm,
    pluginYaml,
    extraFiles: readme === undefined ? {} : { "README.md": readme },
    annotations: {
      "org.opencontainers.image.title": name,
      "org.opencontainers.image.version": version,
      ...(description === undefined ? {} : { "org.opencontainers.image.description": description }),
      "mesh.weft.plugin.abi": abi,
      "mesh.weft.plugin.root-id": rootId,
      "mesh.weft.plugin.sdk": `${sdk.name}@${sdk.version}`,
      "mesh.weft.plugin.capabilities": capabilities.join(","),
    },
  });
}

async function readReadme(path: string): Promise<Uint8Array | undefined> {
  const bytes = await readFile(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (bytes === undefined || bytes.length <= MAX_README_BYTES) return bytes;
  throw new WorkbenchError("too-large", `${path} goes into the image and has ${bytes.length} bytes; at most 1 MiB`);
}

/** Compiles the plugin in a folder and pushes it as `<registry>/plugins/<name>:<version>`. */
export async function publishPlugin(
  dir: string,
  name: string,
  { compiler, client, registry }: { compiler: PluginCompiler; client: RegistryClient; registry: string },
): Promise<Published> {
  const beganMs = performance.now();
  const built = await buildPlugin(compiler, dir);
  if (!built.ok) return { ok: false, name, messages: built.messages };
  const reference = `${registry}/plugins/${built.name}:${built.version}`;
  const { digest } = await pushBuilt(client, built, reference);
  return {
    ok: true,
    name: built.name,
    reference,
    digest,
    wasmPath: built.wasmPath,
    wasmBytes: built.wasm.length,
    tookMs: Math.round(performance.now() - beganMs),
  };
}

/** The plugins below a folder, by name: those that have a plugin.yaml. */
export async function findPlugins(pluginsDir: string): Promise<{ readonly name: string; readonly dir: string }[]> {
  const found: { name: string; dir: string }[] = [];
  for (const entry of await readdir(pluginsDir, { withFileTypes: true })) {
    const dir = join(pluginsDir, entry.name);
    if (!entry.isDirectory()) continue;
    const manifest = await stat(join(dir, "plugin.yaml")).catch(() => undefined);
    if (manifest !== undefined) found.push({ name: entry.name, dir });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}
