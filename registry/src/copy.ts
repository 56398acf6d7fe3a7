import { parseDigest } from "./digest.js";
import { RegistryError } from "./error.js";
import type { Descriptor } from "./manifest.js";
import type { Reference, Repository } from "./reference.js";
import type { PulledManifest, RegistryClient } from "./remote.js";
import { signatureTag } from "./signing/simple-signing.js";

export interface CopyOptions {
  /** The most that a blob may have. Default: 64 MiB. */
  readonly maxBlobBytes?: number;
  /** Whether what refers to it, signatures above all, is copied too. Default: true. */
  readonly referrers?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const MAX_BLOB_BYTES = 64 * 1024 * 1024;
/** A referrer may have referrers. */
const MAX_DEPTH = 3;

/**
 * Copies an image, with what refers to it, to another name; the digest stays. Blobs are mounted where both are in one
 * registry. Throws RegistryError.
 */
export async function copyImage(
  client: RegistryClient,
  from: Reference,
  to: Reference,
  options: CopyOptions = {},
): Promise<{ readonly digest: string; readonly referrers: number }> {
  const found = await client.pullManifest(from, options.signal);
  if (to.digest !== undefined && to.digest !== found.digest)
    throw new RegistryError("digest-mismatch", `the image has the digest ${found.digest}, not ${to.digest}`);
  await copyContent(client, from, to, found, options);
  await client.pushManifest(withoutDigest(to, found.digest), found.bytes, found.mediaType, options.signal);
  if (options.referrers === false) return { digest: found.digest, referrers: 0 };
  const referrers = await copyReferrers(client, from, to, found.digest, options, MAX_DEPTH);
  return {
    digest: found.digest,
    referrers: referrers + (await copySignatureTag(client, from, to, found.digest, options)),
  };
}

/** Signatures of cosign 2 are behind a tag of their own. */
async function copySignatureTag(
  client: RegistryClient,
  from: Repository,
  to: Repository,
  digest: string,
  options: CopyOptions,
): Promise<number> {
  const tag = signatureTag(digest);
  const found = await client.pullManifest({ ...placeOf(from), tag }, options.signal).catch((error: unknown) => {
    if (error instanceof RegistryError && error.code === "not-found") return undefined;
    throw error;
  });
  if (found === undefined) return 0;
  await copyContent(client, from, to, found, options);
  await client.pushManifest({ ...placeOf(to), tag }, found.bytes, found.mediaType, options.signal);
  return 1;
}

async function copyContent(
  client: RegistryClient,
  from: Repository,
  to: Repository,
  { manifest }: PulledManifest,
  options: CopyOptions,
): Promise<void> {
  const { signal } = options;
  if (manifest.kind === "index") {
    for (const { digest } of manifest.manifests) {
      const child = await client.pullManifest({ ...placeOf(from), digest }, signal);
      await copyContent(client, from, to, child, options);
      await client.pushManifest({ ...placeOf(to), digest }, child.bytes, child.mediaType, signal);
    }
    return;
  }
  for (const blob of [manifest.config, ...manifest.layers]) await copyBlob(client, from, to, blob, options);
}

async function copyBlob(
  client: RegistryClient,
  from: Repository,
  to: Repository,
  blob: Descriptor,
  { maxBlobBytes = MAX_BLOB_BYTES, signal }: CopyOptions,
): Promise<void> {
  if (await client.hasBlob(to, blob.digest, signal)) return;
  const bytes = await client.pullBlob(from, blob, { maxBytes: maxBlobBytes, signal });
  const isLocal = from.registry === to.registry && parseDigest(blob.digest)?.algorithm === "sha256";
  await client.pushBlob(to, bytes, { signal, ...(isLocal ? { mountFrom: from.repository } : {}) });
}

async function copyReferrers(
  client: RegistryClient,
  from: Repository,
  to: Repository,
  subject: string,
  options: CopyOptions,
  depth: number,
): Promise<number> {
  if (depth === 0) return 0;
  let copied = 0;
  for (const { digest } of await client.referrers(from, subject, options.signal)) {
    const found = await client.pullManifest({ ...placeOf(from), digest }, options.signal);
    // An index of a fallback tag may list what is about something else by now.
    if (found.manifest.subject?.digest !== subject) continue;
    await copyContent(client, from, to, found, options);
    await client.pushReferrer(to, found.bytes, options.signal);
    copied += 1 + (await copyReferrers(client, from, to, digest, options, depth - 1));
  }
  return copied;
}

function placeOf({ registry, repository }: Repository): Repository {
  return { registry, repository };
}

function withoutDigest({ registry, repository, tag }: Reference, digest: string): Reference {
  return tag === undefined ? { registry, repository, digest } : { registry, repository, tag };
}
