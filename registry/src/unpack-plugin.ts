import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { RegistryError } from "./error.js";
import type { Descriptor, ImageManifest } from "./manifest.js";
import { PLUGIN_WASM, PLUGIN_YAML } from "./pack-plugin.js";
import { checkLayout, type PluginLayout } from "./plugin-layout.js";
import { type TarFile, unpackTar } from "./tar.js";
import { wasmHeaderFault } from "./wasm.js";

export interface PluginLimits {
  /** Of a layer as it is in the registry. Default: 32 MiB. */
  readonly maxLayerBytes?: number;
  /** Of a layer when it is unpacked. Default: 64 MiB. */
  readonly maxUnpackedBytes?: number;
  /** Of plugin.wasm. Default: 32 MiB. */
  readonly maxWasmBytes?: number;
  /** Files and folders in a layer. Default: 64. */
  readonly maxEntries?: number;
}

export interface UnpackedPlugin {
  readonly wasm: Uint8Array;
  /** Absent in images that were not made for Weft. */
  readonly pluginYaml?: string;
  readonly layout: PluginLayout;
  /** The other files of the archive, by path. */
  readonly extraFiles: ReadonlyMap<string, Uint8Array>;
}

/** Fetches a layer, verified by digest, and refuses more than `maxBytes`. */
export type FetchBlob = (blob: Descriptor, maxBytes: number) => Promise<Uint8Array>;

const MIB = 1024 * 1024;
const MAX_PLUGIN_YAML_BYTES = MIB;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
const gunzipAsync = promisify(gunzip);

/**
 * Takes a plugin out of an image of any known layout. Throws RegistryError: `unsupported-artifact` (with the layouts
 * that were tried), `invalid-artifact` or `too-large`, besides what `fetchBlob` throws.
 */
export async function unpackPlugin(
  manifest: ImageManifest,
  fetchBlob: FetchBlob,
  limits: PluginLimits = {},
): Promise<UnpackedPlugin> {
  const check = checkLayout(manifest);
  if (!check.ok) {
    throw new RegistryError("unsupported-artifact", `the image is no Wasm plugin; tried: ${check.tried.join("; ")}`, {
      hint: 'push it with "weft plugin push", or as an image whose last layer is a tar+gzip with plugin.wasm',
    });
  }
  const { layout, form, module, pluginYaml } = check.match;
  const bytes = await fetchBlob(module, limits.maxLayerBytes ?? 32 * MIB);
  const isArchive = form === "archive" || (form === "sniff" && GZIP_MAGIC.equals(bytes.subarray(0, 2)));
  if (isArchive) {
    const tar = await decompress(bytes, limits.maxUnpackedBytes ?? 64 * MIB);
    return { layout, ...pick(await unpackTar(tar, limits.maxEntries ?? 64), layout, limits) };
  }
  const yaml = pluginYaml === undefined ? undefined : await fetchBlob(pluginYaml, MAX_PLUGIN_YAML_BYTES);
  return {
    layout,
    wasm: checkWasm(bytes, layout, limits),
    ...(yaml === undefined ? {} : { pluginYaml: decodeText(yaml) }),
    extraFiles: new Map(),
  };
}

/** plugin.wasm may be in any folder of the archive; plugin.yaml is beside it. */
function pick(files: readonly TarFile[], layout: PluginLayout, limits: PluginLimits): Omit<UnpackedPlugin, "layout"> {
  const modules = files.filter(({ name }) => name === PLUGIN_WASM || name.endsWith(`/${PLUGIN_WASM}`));
  const [module, second] = modules;
  if (module === undefined) {
    const names = files.map(({ name }) => name).slice(0, 10);
    throw invalid(`read as ${layout}, its layer has no ${PLUGIN_WASM}, only: ${names.join(", ") || "nothing"}`, {
      hint: `put ${PLUGIN_WASM} into the last layer (in a Dockerfile: into the last COPY)`,
    });
  }
  if (second !== undefined) {
    throw invalid(`read as ${layout}, its layer has ${PLUGIN_WASM} twice: ${module.name} and ${second.name}`);
  }
  const folder = module.name.slice(0, -PLUGIN_WASM.length);
  const yaml = files.find(({ name }) => name === `${folder}${PLUGIN_YAML}`);
  const others = files.filter((file) => file !== module && file !== yaml);
  return {
    wasm: checkWasm(module.bytes, layout, limits),
    ...(yaml === undefined ? {} : { pluginYaml: decodeText(yaml.bytes) }),
    extraFiles: new Map(others.map(({ name, bytes }) => [name, bytes])),
  };
}

function checkWasm(wasm: Uint8Array, layout: PluginLayout, { maxWasmBytes = 32 * MIB }: PluginLimits): Uint8Array {
  if (wasm.byteLength > maxWasmBytes) {
    throw new RegistryError(
      "too-large",
      `the module has ${wasm.byteLength} bytes, more than the ${maxWasmBytes} allowed`,
      {
        hint: "build it with optimisation and without debug information, or raise the limit",
      },
    );
  }
  const fault = wasmHeaderFault(wasm);
  if (fault !== undefined) throw invalid(`read as ${layout}, its module cannot be used: ${fault}`);
  return wasm;
}

async function decompress(bytes: Uint8Array, maxOutputLength: number): Promise<Uint8Array> {
  try {
    return await gunzipAsync(bytes, { maxOutputLength });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new RegistryError("too-large", `the layer has more than ${maxOutputLength} bytes when it is unpacked`);
    }
    throw invalid(`its layer is not valid gzip: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

function decodeText(bytes: Uint8Array): string {
  if (bytes.byteLength > MAX_PLUGIN_YAML_BYTES) {
    throw new RegistryError("too-large", `${PLUGIN_YAML} has more than ${MAX_PLUGIN_YAML_BYTES} bytes`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw invalid(`${PLUGIN_YAML} is not UTF-8 text`, { cause });
  }
}

function invalid(what: string, details: { readonly hint?: string; readonly cause?: unknown } = {}): RegistryError {
  return new RegistryError("invalid-artifact", `the image cannot be used: ${what}`, details);
}
