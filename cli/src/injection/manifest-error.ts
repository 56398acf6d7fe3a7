/** Manifests cannot be read, or settings are wrong. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
  readonly code = "manifest";
}
