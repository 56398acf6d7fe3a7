import { digestOf } from "./digest.js";
import { RegistryError } from "./error.js";
import type { ImageManifest } from "./manifest.js";
import { formatReference, type Reference } from "./reference.js";
import type { RegistryClient } from "./remote.js";
import { type PluginLimits, type UnpackedPlugin, unpackPlugin } from "./unpack-plugin.js";

export interface PulledPlugin extends UnpackedPlugin {
  /** Of the manifest. */
  readonly digest: string;
  /** SHA-256 of the module, 64 hexadecimal digits. */
  readonly wasmSha256: string;
  readonly manifest: ImageManifest;
}

/** Pulls a plugin of any layout. Every digest on the way from the reference to the module is verified. */
export async function pullPlugin(
  client: Pick<RegistryClient, "pullManifest" | "pullBlob">,
  reference: Reference,
  limits: PluginLimits = {},
  signal?: AbortSignal,
): Promise<PulledPlugin> {
  const { digest, manifest } = await client.pullManifest(reference, signal);
  if (manifest.kind === "index") {
    const platforms = manifest.manifests.map(({ platform }) => platform ?? "no platform").join(", ");
    throw new RegistryError(
      "unsupported-artifact",
      `${formatReference(reference)}: this is an index of several images (${platforms}), not one image`,
      { hint: "push the plugin as one image; with docker buildx: --provenance=false and one platform" },
    );
  }
  const plugin = await unpack(client, reference, manifest, limits, signal);
  return { digest, ...plugin, wasmSha256: digestOf(plugin.wasm).slice("sha256:".length), manifest };
}

async function unpack(
  client: Pick<RegistryClient, "pullBlob">,
  reference: Reference,
  manifest: ImageManifest,
  limits: PluginLimits,
  signal: AbortSignal | undefined,
): Promise<UnpackedPlugin> {
  try {
    return await unpackPlugin(
      manifest,
      (blob, maxBytes) => client.pullBlob(reference, blob, { maxBytes, signal }),
      limits,
    );
  } catch (error) {
    throw error instanceof RegistryError ? error.about(formatReference(reference)) : error;
  }
}
