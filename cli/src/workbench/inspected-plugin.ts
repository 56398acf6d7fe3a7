import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { checkReference, formatReference, pullPlugin, type Reference } from "@weft/registry";
import { MAX_PLUGIN_YAML_BYTES } from "@weft/sdk/build";
import { openRegistries, type RegistryAccess } from "./registry-access.js";
import { WorkbenchError } from "./workbench-error.js";

/** A module to be looked at, with what came with it. */
export interface InspectedPlugin {
  /** Path of the file, or the reference. */
  readonly source: string;
  readonly wasm: Uint8Array;
  /** The completed manifest; absent where there is only a module. */
  readonly pluginYaml?: string;
  readonly image?: InspectedImage;
}

export interface InspectedImage {
  readonly digest: string;
  /** How the plugin is packed. */
  readonly layout: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly layers: readonly { readonly mediaType: string; readonly digest: string; readonly size: number }[];
  /** Files of the archive beside the module and its manifest. */
  readonly extraFiles: readonly string[];
}

const MAX_MODULE_BYTES = 32 * 1024 * 1024;

/** Reads a module file, the build of a plugin's folder, or the plugin in an OCI image. */
export async function readInspectedPlugin(target: string, access: RegistryAccess): Promise<InspectedPlugin> {
  const path = resolve(target);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return readFolder(path);
  if (found !== undefined) return readModuleFile(path);
  const isPath = /^[./~]|\.wasm$/.test(target);
  const check = isPath ? undefined : checkReference(target);
  // One word is a repository of Docker Hub by the book; here it is a folder that is not there.
  if (check === undefined || !check.ok || !/[/:]/.test(target)) {
    const hint = check !== undefined && !check.ok ? ` (${check.message})` : "";
    throw new WorkbenchError(
      "not-found",
      `${target} is neither a file, nor a plugin's folder, nor an image reference such as registry:5000/plugins/x:1${hint}`,
    );
  }
  return pull(check.reference, access);
}

async function readFolder(dir: string): Promise<InspectedPlugin> {
  const file = join(dir, "build", "plugin.wasm");
  if ((await stat(file).catch(() => undefined)) === undefined) {
    const isPlugin = (await stat(join(dir, "plugin.yaml")).catch(() => undefined)) !== undefined;
    throw new WorkbenchError(
      "not-built",
      isPlugin
        ? `${dir} has no build/plugin.wasm; run weft plugin build ${dir} first`
        : `${dir} is no plugin: it has neither plugin.yaml nor build/plugin.wasm`,
    );
  }
  return readModuleFile(file);
}

async function readModuleFile(path: string): Promise<InspectedPlugin> {
  const wasm = await readLimited(path, MAX_MODULE_BYTES);
  const beside = join(dirname(path), "plugin.yaml");
  // Only the build writes these two names side by side: another module's manifest would tell lies about this one.
  const isBuild = basename(path) === "plugin.wasm" && (await stat(beside).catch(() => undefined)) !== undefined;
  if (!isBuild) return { source: path, wasm };
  return { source: path, wasm, pluginYaml: Buffer.from(await readLimited(beside, MAX_PLUGIN_YAML_BYTES)).toString() };
}

async function readLimited(path: string, maxBytes: number): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > maxBytes) throw new WorkbenchError("not-found", `${path} has ${size} bytes; at most ${maxBytes} are read`);
  try {
    return await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WorkbenchError("not-found", `${path} cannot be read: ${reason}`, { cause: error });
  }
}

async function pull(reference: Reference, access: RegistryAccess): Promise<InspectedPlugin> {
  const client = await openRegistries(access, [reference]);
  const pulled = await pullPlugin(client, reference, { maxWasmBytes: MAX_MODULE_BYTES });
  const { digest, layout, manifest, wasm, pluginYaml, extraFiles } = pulled;
  return {
    source: formatReference(reference),
    wasm,
    ...(pluginYaml === undefined ? {} : { pluginYaml }),
    image: {
      digest,
      layout,
      annotations: manifest.annotations ?? {},
      layers: manifest.layers.map(({ mediaType, digest: layerDigest, size }) => ({
        mediaType,
        digest: layerDigest,
        size,
      })),
      extraFiles: [...extraFiles.keys()].sort(),
    },
  };
}
