import { gzipSync } from "fflate";
import { digestOf } from "./digest.js";
import { RegistryError } from "./error.js";
import type { Annotations, Descriptor, ImageManifest } from "./manifest.js";
import { OCI_CONFIG, OCI_LAYER_TAR_GZIP, OCI_MANIFEST, WEFT_PLUGIN } from "./media-types.js";
import { isSafePath, packTar, type TarFile } from "./tar.js";
import { wasmHeaderFault } from "./wasm.js";

export const PLUGIN_WASM = "plugin.wasm";
export const PLUGIN_YAML = "plugin.yaml";

export interface PluginFiles {
  readonly wasm: Uint8Array;
  /** The plugin's manifest, as text. */
  readonly pluginYaml: string;
  /** More files for the archive, for example a README or a schema; relative path → content. */
  readonly extraFiles?: Readonly<Record<string, Uint8Array>>;
  /** Annotations of the image manifest, for example `org.opencontainers.image.version`. */
  readonly annotations?: Annotations;
}

export interface PackedBlob {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** A plugin as it goes into a registry: push `config` and `layer`, then `manifestBytes`. */
export interface PluginArtifact {
  readonly manifest: ImageManifest;
  /** The manifest to the byte: `manifestDigest` is theirs. */
  readonly manifestBytes: Uint8Array;
  readonly manifestDigest: string;
  readonly config: PackedBlob;
  readonly layer: PackedBlob;
  /** SHA-256 of plugin.wasm, 64 hexadecimal digits. */
  readonly wasmSha256: string;
}

/** What makes `oras pull` unpack the layer into the current folder. */
const ORAS_TITLE = "org.opencontainers.image.title";
const ORAS_UNPACK = "io.deis.oras.content.unpack";
const ORAS_CONTENT_DIGEST = "io.deis.oras.content.digest";
/** What Istio and Envoy Gateway call this layout. */
const VARIANT = { "module.wasm.image/variant": "compat" };
const WASM_SHA256 = "mesh.weft.plugin.wasm-sha256";
const MAX_PLUGIN_YAML_BYTES = 256 * 1024;
/** Longer names need extensions of tar that not every reader has. */
const MAX_FILE_NAME_LENGTH = 100;

/**
 * Packs a plugin as an OCI image of one tar+gzip layer, which Istio, Envoy Gateway, `oras pull` and docker can read.
 * Equal input gives equal bytes, on every machine. Throws RegistryError `invalid-artifact`.
 */
export async function packPlugin(files: PluginFiles): Promise<PluginArtifact> {
  const tar = await packTar(checkFiles(files));
  // fflate is plain JavaScript: zlib's output depends on its version and on the processor.
  const gzip = gzipSync(tar, { level: 9, mtime: 0 });
  const tarDigest = digestOf(tar);
  const layer = packBlob(OCI_LAYER_TAR_GZIP, gzip, {
    [ORAS_CONTENT_DIGEST]: tarDigest,
    [ORAS_UNPACK]: "true",
    [ORAS_TITLE]: ".",
  });
  const config = packBlob(
    OCI_CONFIG,
    encodeJson({ architecture: "wasm", os: "wasip1", config: {}, rootfs: { type: "layers", diff_ids: [tarDigest] } }),
  );
  const wasmSha256 = digestOf(files.wasm).slice("sha256:".length);
  const annotations = sortKeys({ ...files.annotations, ...VARIANT, [WASM_SHA256]: wasmSha256 });
  const manifest = {
    mediaType: OCI_MANIFEST,
    artifactType: WEFT_PLUGIN,
    config: config.descriptor,
    layers: [layer.descriptor],
    annotations,
  };
  const manifestBytes = encodeJson({ schemaVersion: 2, ...manifest });
  return {
    manifest: { kind: "image", ...manifest },
    manifestBytes,
    manifestDigest: digestOf(manifestBytes),
    config,
    layer,
    wasmSha256,
  };
}

function checkFiles({ wasm, pluginYaml, extraFiles = {}, annotations = {} }: PluginFiles): readonly TarFile[] {
  const fault = wasmHeaderFault(wasm);
  if (fault !== undefined) throw invalid(`${PLUGIN_WASM}: ${fault}`);
  const yaml = new TextEncoder().encode(pluginYaml);
  if (yaml.byteLength === 0 || yaml.byteLength > MAX_PLUGIN_YAML_BYTES) {
    throw invalid(`${PLUGIN_YAML} has ${yaml.byteLength} bytes; it must have 1 to ${MAX_PLUGIN_YAML_BYTES}`);
  }
  const reserved = [...Object.keys(VARIANT), WASM_SHA256].find((key) => Object.hasOwn(annotations, key));
  if (reserved !== undefined) throw invalid(`the annotation ${reserved} is set by the layout`);
  const extra = Object.entries(extraFiles).map(([name, bytes]): TarFile => {
    const isPlain = name.split("/").every((part) => part !== "" && part !== ".");
    if (!isSafePath(name) || !isPlain || !/^[\x20-\x7e]+$/.test(name) || name.length > MAX_FILE_NAME_LENGTH) {
      throw invalid(
        `the file name ${JSON.stringify(name)} is not a relative path of at most ${MAX_FILE_NAME_LENGTH} ASCII characters`,
      );
    }
    const base = name.split("/").at(-1);
    if (base === PLUGIN_WASM || base === PLUGIN_YAML) throw invalid(`there can be only one ${base}`);
    return { name, bytes };
  });
  return [{ name: PLUGIN_WASM, bytes: wasm }, { name: PLUGIN_YAML, bytes: yaml }, ...extra];
}

function packBlob(mediaType: string, bytes: Uint8Array, annotations?: Annotations): PackedBlob {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  return { descriptor: annotations === undefined ? descriptor : { ...descriptor, annotations }, bytes };
}

function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function sortKeys(annotations: Annotations): Annotations {
  return Object.fromEntries(Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function invalid(what: string): RegistryError {
  return new RegistryError("invalid-artifact", `the plugin cannot be packed: ${what}`);
}
