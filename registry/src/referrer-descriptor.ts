import type { Descriptor, Manifest } from "./manifest.js";

/**
 * A manifest that refers to another as an entry of the list of referrers: what it is for, and its annotations.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
 */
export function referrerDescriptor(
  manifest: Manifest,
  { mediaType, digest, size }: Pick<Descriptor, "mediaType" | "digest" | "size">,
): Descriptor {
  const { annotations } = manifest;
  // An image says what it is by its config where it has no type of its own; an index that has none says nothing.
  const own = manifest.artifactType === "" ? undefined : manifest.artifactType;
  const artifactType = own ?? (manifest.kind === "image" ? manifest.config.mediaType : undefined);
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}
