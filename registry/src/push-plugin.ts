import { RegistryError } from "./error.js";
import type { PluginArtifact } from "./pack-plugin.js";
import type { Reference } from "./reference.js";
import type { RegistryClient } from "./remote.js";

export interface PushedPlugin {
  /** Of the manifest: what `@sha256:…` in a reference means. */
  readonly digest: string;
  /** Of blobs and manifest; what the registry had already is not sent. */
  readonly bytesSent: number;
  readonly blobsSkipped: number;
}

/** Pushes a plugin: its blobs, then its manifest, so that nobody can see it before it is whole. */
export async function pushPlugin(
  client: RegistryClient,
  reference: Reference,
  artifact: PluginArtifact,
  signal?: AbortSignal,
): Promise<PushedPlugin> {
  const { manifest, manifestBytes, manifestDigest, layer, config } = artifact;
  if (reference.digest !== undefined && reference.digest !== manifestDigest) {
    throw new RegistryError("digest-mismatch", `the plugin has the digest ${manifestDigest}, not ${reference.digest}`, {
      hint: "push to a tag: the digest follows from the content",
    });
  }
  let bytesSent = 0;
  let blobsSkipped = 0;
  for (const { bytes } of [layer, config]) {
    const { skipped, size } = await client.pushBlob(reference, bytes, { signal });
    if (skipped) blobsSkipped += 1;
    else bytesSent += size;
  }
  // A reference with both names the tag to set; the digest was checked.
  const { registry, repository, tag } = reference;
  const target = tag === undefined ? reference : { registry, repository, tag };
  const { digest } = await client.pushManifest(target, manifestBytes, manifest.mediaType, signal);
  return { digest, bytesSent: bytesSent + manifestBytes.byteLength, blobsSkipped };
}
