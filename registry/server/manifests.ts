import { digestOf, type ParsedDigest, parseDigest } from "../src/digest.js";
import { RegistryError } from "../src/error.js";
import { decodeManifest, MAX_MANIFEST_BYTES, type Manifest } from "../src/manifest.js";
import { mediaTypeOf } from "../src/media-types.js";
import { isTag } from "../src/reference.js";
import { ApiError } from "./errors.js";
import { bodyOf, type Exchange, sendBytes, sendEmpty } from "./exchange.js";
import { UploadTooLarge } from "./storage.js";

const MAX_TAGS_PER_PUSH = 100;

/** GET and HEAD. https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests */
export async function getManifest(exchange: Exchange, name: string, reference: string): Promise<void> {
  const found = isReference(reference) ? await exchange.manifests.get(name, reference) : undefined;
  if (found === undefined) throw await unknown(exchange, name, reference);
  const { bytes, digest, mediaType } = found;
  sendBytes(exchange, 200, bytes, { "Content-Type": mediaType, "Docker-Content-Digest": digest, ETag: `"${digest}"` });
}

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests */
export async function putManifest(exchange: Exchange, name: string, reference: string): Promise<void> {
  const { request, query, manifests } = exchange;
  const asked = parseDigest(reference);
  const tags = asked === undefined ? [reference] : query.getAll("tag");
  checkTags(tags);
  const bytes = await readManifest(exchange);
  const digest = digestOf(bytes, asked?.algorithm);
  if (asked !== undefined && digest !== reference) {
    throw new ApiError(400, "DIGEST_INVALID", `the manifest has the digest ${digest}`);
  }
  const manifest = decode(bytes, request.headers["content-type"]);
  await checkContents(exchange, name, manifest);
  // Pushed without a type in the manifest, the header is all there is; decode saw to it that both agree.
  const mediaType = mediaTypeOf(request.headers["content-type"]) ?? manifest.mediaType;
  const { subject } = manifest;
  const about = subject === undefined ? undefined : parseDigest(subject.digest);
  await manifests.put(name, { digest, mediaType, bytes }, tags, about).catch((error: unknown) => {
    if (!(error instanceof UploadTooLarge)) throw error;
    throw new ApiError(413, "MANIFEST_INVALID", "the registry is full: delete something first");
  });
  sendEmpty(exchange, 201, {
    Location: `/v2/${name}/manifests/${digest}`,
    "Docker-Content-Digest": digest,
    ...(subject === undefined ? {} : { "OCI-Subject": subject.digest }),
    ...(asked !== undefined && tags.length > 0 ? { "OCI-Tag": tags.join(", ") } : {}),
  });
}

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#content-management */
export async function deleteManifest(exchange: Exchange, name: string, reference: string): Promise<void> {
  const { manifests } = exchange;
  const digest = parseDigest(reference);
  const wasThere = isReference(reference) && (await remove(manifests, name, reference, digest));
  if (!wasThere) throw await unknown(exchange, name, reference);
  sendEmpty(exchange, 202, {});
}

function remove(
  manifests: Exchange["manifests"],
  name: string,
  reference: string,
  digest: ParsedDigest | undefined,
): Promise<boolean> {
  return digest === undefined ? manifests.removeTag(name, reference) : manifests.removeManifest(name, digest);
}

/** What is neither a tag nor a digest cannot be found, and must not become the name of a file. */
function isReference(text: string): boolean {
  return isTag(text) || parseDigest(text) !== undefined;
}

function checkTags(tags: readonly string[]): void {
  if (tags.length > MAX_TAGS_PER_PUSH) {
    throw new ApiError(414, "UNSUPPORTED", `a push may set at most ${MAX_TAGS_PER_PUSH} tags`);
  }
  const bad = tags.find((tag) => !isTag(tag));
  if (bad === undefined) return;
  const code = bad.includes(":") ? "DIGEST_INVALID" : "MANIFEST_INVALID";
  throw new ApiError(400, code, `${JSON.stringify(bad)} is neither a tag nor a sha256 or sha512 digest`);
}

async function readManifest({ request }: Exchange): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bodyOf(request)) {
    length += chunk.byteLength;
    if (length > MAX_MANIFEST_BYTES) {
      throw new ApiError(413, "MANIFEST_INVALID", `manifests may have at most ${MAX_MANIFEST_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function decode(bytes: Uint8Array, contentType: string | undefined): Manifest {
  try {
    return decodeManifest(bytes, contentType);
  } catch (error) {
    if (error instanceof RegistryError) throw new ApiError(400, "MANIFEST_INVALID", error.message);
    throw error;
  }
}

/**
 * An image must be whole. Not so an index, which may list images that are elsewhere, and `subject`, which may come
 * later by the specification.
 */
async function checkContents({ blobs }: Exchange, name: string, manifest: Manifest): Promise<void> {
  if (manifest.kind === "index") return;
  for (const { digest, size, urls } of [manifest.config, ...manifest.layers]) {
    const parsed = parseDigest(digest);
    const stored = parsed === undefined ? undefined : await blobs.size(name, parsed);
    if (stored === undefined) {
      if (urls !== undefined && urls.length > 0) continue;
      throw new ApiError(400, "MANIFEST_BLOB_UNKNOWN", `${name} has no blob ${digest}: push it before the manifest`);
    }
    if (stored !== size) {
      throw new ApiError(400, "MANIFEST_INVALID", `the blob ${digest} has ${stored} bytes, the manifest says ${size}`);
    }
  }
}

async function unknown({ manifests }: Exchange, name: string, reference: string): Promise<ApiError> {
  if ((await manifests.tags(name)) === undefined)
    return new ApiError(404, "NAME_UNKNOWN", `there is no repository ${name}`);
  return new ApiError(404, "MANIFEST_UNKNOWN", `${name} has no manifest ${JSON.stringify(reference)}`);
}
