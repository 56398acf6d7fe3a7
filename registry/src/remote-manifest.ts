import { pullScope, pushScope } from "./blob.js";
import { discardBody, readBody } from "./body.js";
import { digestOf, parseDigest } from "./digest.js";
import { RegistryError } from "./error.js";
import { decodeManifest, MAX_MANIFEST_BYTES, type Manifest } from "./manifest.js";
import { MANIFEST_MEDIA_TYPES, mediaTypeOf } from "./media-types.js";
import { formatReference, type Reference, tagOrDigest } from "./reference.js";
import type { PulledManifest, Resolved } from "./remote.js";
import type { Exchange, Transport } from "./transport.js";

const ACCEPT = MANIFEST_MEDIA_TYPES.join(", ");

/**
 * The digest behind a reference: by HEAD, or by GET where the answer to that lacks something.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#checking-if-content-exists-in-the-registry
 */
export async function resolve(transport: Transport, reference: Reference, signal?: AbortSignal): Promise<Resolved> {
  // Some registries answer HEAD wrongly, and no answer to it has a message: whatever is odd is asked again by GET.
  const exchange = { ...manifestExchange(transport, reference, signal), method: "HEAD" as const };
  const head = await transport.send({ ...exchange, expect: [200, 400, 404, 405, 501] }, async (response) => {
    return response.status === 200 ? readHead(response) : undefined;
  });
  if (head !== undefined) {
    if (reference.digest !== undefined && head.digest !== reference.digest) throw mismatch(reference, head.digest);
    return head;
  }
  const { digest, mediaType, size } = await pullManifest(transport, reference, signal);
  return { digest, mediaType, size };
}

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests */
export async function pullManifest(
  transport: Transport,
  reference: Reference,
  signal?: AbortSignal,
): Promise<PulledManifest> {
  const exchange = manifestExchange(transport, reference, signal);
  const { subject } = exchange;
  return transport.send(exchange, async (response) => {
    const bytes = await readBody(response, { maxBytes: MAX_MANIFEST_BYTES, what: `the manifest of ${subject}` });
    const stated = parseDigest(response.headers.get("docker-content-digest") ?? "");
    const asked = parseDigest(reference.digest ?? "");
    const digest = digestOf(bytes, asked?.algorithm ?? stated?.algorithm);
    if (asked !== undefined && digest !== reference.digest) throw mismatch(reference, digest);
    // A digest of another algorithm than the one asked for says nothing about ours.
    if (stated !== undefined && digest.startsWith(`${stated.algorithm}:`) && !digest.endsWith(stated.hex)) {
      throw mismatch(reference, digest);
    }
    const manifest = decode(bytes, response.headers.get("content-type"), subject);
    return { digest, mediaType: manifest.mediaType, size: bytes.byteLength, bytes, manifest };
  });
}

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests */
export async function pushManifest(
  transport: Transport,
  reference: Reference,
  bytes: Uint8Array,
  mediaType: string,
  signal?: AbortSignal,
): Promise<{ readonly digest: string }> {
  const digest = digestOf(bytes, parseDigest(reference.digest ?? "")?.algorithm);
  if (reference.digest !== undefined && reference.digest !== digest) {
    throw new RegistryError(
      "digest-mismatch",
      `the manifest for ${formatReference(reference)} has the digest ${digest}`,
    );
  }
  const exchange: Exchange = {
    ...manifestExchange(transport, reference, signal),
    method: "PUT",
    scope: pushScope(reference),
    expect: [201],
    headers: { "content-type": mediaType },
    body: bytes,
  };
  await transport.send(exchange, async (response) => {
    await discardBody(response);
    const stored = response.headers.get("docker-content-digest");
    if (stored !== null && sameAlgorithm(stored, digest) && stored !== digest) throw mismatch(reference, stored);
  });
  return { digest };
}

/**
 * Deletes a manifest by its digest, with all its tags, or one tag. What is not there is deleted already.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#content-management
 */
export async function deleteManifest(transport: Transport, reference: Reference, signal?: AbortSignal): Promise<void> {
  const exchange: Exchange = {
    ...manifestExchange(transport, reference, signal),
    method: "DELETE",
    scope: `repository:${reference.repository}:delete`,
    expect: [200, 202, 204, 404],
  };
  await transport.send(exchange, discardBody);
}

function manifestExchange(transport: Transport, reference: Reference, signal: AbortSignal | undefined): Exchange {
  const { registry, repository } = reference;
  return {
    method: "GET",
    registry,
    url: transport.url(registry, `/v2/${repository}/manifests/${tagOrDigest(reference)}`),
    scope: pullScope(reference),
    subject: formatReference(reference),
    expect: [200],
    headers: { accept: ACCEPT },
    signal,
  };
}

function decode(bytes: Uint8Array, contentType: string | null, subject: string): Manifest {
  try {
    return decodeManifest(bytes, contentType);
  } catch (error) {
    throw error instanceof RegistryError ? error.about(subject) : error;
  }
}

/** What a HEAD says, if it says all of it. */
function readHead({ headers }: Response): Resolved | undefined {
  const digest = headers.get("docker-content-digest") ?? "";
  const mediaType = mediaTypeOf(headers.get("content-type"));
  const size = Number(headers.get("content-length") ?? Number.NaN);
  if (parseDigest(digest) === undefined || mediaType === undefined || !Number.isSafeInteger(size)) return undefined;
  return { digest, mediaType, size };
}

function sameAlgorithm(one: string, other: string): boolean {
  return parseDigest(one)?.algorithm === parseDigest(other)?.algorithm;
}

function mismatch(reference: Reference, actual: string): RegistryError {
  return new RegistryError(
    "digest-mismatch",
    `${formatReference(reference)}: the registry has ${actual} in its place`,
    {
      hint: "the content was changed in the registry or on the way: do not use it",
    },
  );
}
