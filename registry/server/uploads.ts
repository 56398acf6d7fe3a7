import type { OutgoingHttpHeaders } from "node:http";
import { isDigestAlgorithm, type ParsedDigest, parseDigest } from "../src/digest.js";
import { createKeyedLock } from "../src/keyed-lock.js";
import { isRepositoryName } from "../src/reference.js";
import { ApiError } from "./errors.js";
import { bodyOf, type Exchange, sendEmpty } from "./exchange.js";
import { parseChunkRange } from "./range.js";
import { UploadTooLarge } from "./storage.js";

/** Requests to one upload wait for each other: the next chunk may arrive while a broken request is still being read. */
const lock = createKeyedLock();

/**
 * POST: begins an upload; with `digest` it is the whole upload, with `mount` the blob may come from elsewhere.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs
 */
export async function beginUpload(exchange: Exchange, name: string): Promise<void> {
  const { query, uploads } = exchange;
  const mount = query.get("mount");
  if (mount !== null && (await mountBlob(exchange, name, mount))) return;
  const algorithm = query.get("digest-algorithm");
  if (algorithm !== null && !isDigestAlgorithm(algorithm)) {
    throw new ApiError(400, "DIGEST_INVALID", `digests are sha256 or sha512, not ${JSON.stringify(algorithm)}`);
  }
  const digest = query.get("digest");
  const wanted = digest === null ? undefined : requireDigest(digest);
  const id = await uploads.begin(name);
  if (wanted === undefined) sendEmpty(exchange, 202, progress(name, id, 0));
  else await lock(id, () => finish(exchange, name, id, wanted));
}

/** GET: how much has arrived. */
export async function getUpload(exchange: Exchange, name: string, id: string): Promise<void> {
  sendEmpty(exchange, 204, progress(name, id, await requireSize(exchange, name, id)));
}

/** PATCH: one chunk. */
export async function patchUpload(exchange: Exchange, name: string, id: string): Promise<void> {
  await lock(id, async () => {
    await receive(exchange, name, id);
    sendEmpty(exchange, 202, progress(name, id, await requireSize(exchange, name, id)));
  });
}

/** PUT: the last chunk, or all of it, or nothing more; then the blob is there. */
export async function putUpload(exchange: Exchange, name: string, id: string): Promise<void> {
  await lock(id, async () => {
    await requireSize(exchange, name, id);
    await finish(exchange, name, id, requireDigest(exchange.query.get("digest")));
  });
}

export async function deleteUpload(exchange: Exchange, name: string, id: string): Promise<void> {
  await lock(id, async () => {
    await requireSize(exchange, name, id);
    await exchange.uploads.remove(name, id);
    sendEmpty(exchange, 204, {});
  });
}

async function mountBlob(exchange: Exchange, name: string, mount: string): Promise<boolean> {
  const digest = requireDigest(mount);
  const from = exchange.query.get("from");
  if (from === null || !isRepositoryName(from) || !exchange.mayPull(from)) return false;
  if (!(await exchange.blobs.mount(name, digest, from))) return false;
  sendEmpty(exchange, 201, stored(name, mount));
  return true;
}

async function finish(exchange: Exchange, name: string, id: string, wanted: ParsedDigest): Promise<void> {
  const { uploads } = exchange;
  const before = await requireSize(exchange, name, id);
  try {
    await receive(exchange, name, id);
  } catch (error) {
    // A closing request that breaks counts as never sent, so that the client can send the same one again.
    if ((await uploads.size(name, id)) !== undefined) await uploads.truncate(name, id, before);
    throw error;
  }
  const digest = await uploads.seal(name, id, wanted.algorithm);
  if (digest !== `${wanted.algorithm}:${wanted.hex}`) {
    await uploads.remove(name, id);
    throw new ApiError(400, "DIGEST_INVALID", `the content has the digest ${digest}`);
  }
  await uploads.commit(name, id, wanted);
  sendEmpty(exchange, 201, stored(name, digest));
}

/** Adds the request's body to the upload, if it belongs where the upload ends. */
async function receive(exchange: Exchange, name: string, id: string): Promise<void> {
  const { request, uploads, maxUploadBytes } = exchange;
  const before = await requireSize(exchange, name, id);
  const length = request.headers["content-length"];
  const expected = chunkLength(request.headers["content-range"], length, name, id, before);
  if (before + Number(length ?? 0) > maxUploadBytes) throw await refuseSize(exchange, name, id);
  try {
    const after = await uploads.append(name, id, bodyOf(request), maxUploadBytes);
    if (expected !== undefined && after - before !== expected) {
      await uploads.truncate(name, id, before);
      throw new ApiError(400, "SIZE_INVALID", `the chunk has ${after - before} bytes, its Content-Range ${expected}`);
    }
  } catch (error) {
    throw error instanceof UploadTooLarge ? await refuseSize(exchange, name, id) : error;
  }
}

/** How long the chunk must be, if the client says where it belongs. */
function chunkLength(
  contentRange: string | undefined,
  contentLength: string | undefined,
  name: string,
  id: string,
  size: number,
): number | undefined {
  if (contentRange === undefined) return undefined;
  const range = parseChunkRange(contentRange);
  if (range === undefined) {
    throw new ApiError(400, "BLOB_UPLOAD_INVALID", `Content-Range ${JSON.stringify(contentRange)} is not first-last`);
  }
  if (range.start !== size) {
    const message = `the chunk starts at ${range.start}, but the upload has ${size} bytes`;
    throw new ApiError(416, "BLOB_UPLOAD_INVALID", message, progress(name, id, size));
  }
  if (contentLength !== undefined && Number(contentLength) !== range.length) {
    throw new ApiError(400, "SIZE_INVALID", `Content-Length is ${contentLength}, Content-Range says ${range.length}`);
  }
  return range.length;
}

async function refuseSize({ uploads, maxUploadBytes }: Exchange, name: string, id: string): Promise<ApiError> {
  await uploads.remove(name, id);
  return new ApiError(413, "BLOB_UPLOAD_INVALID", `blobs may have at most ${maxUploadBytes} bytes here, or it is full`);
}

async function requireSize({ uploads }: Exchange, name: string, id: string): Promise<number> {
  const size = await uploads.size(name, id);
  if (size !== undefined) return size;
  throw new ApiError(404, "BLOB_UPLOAD_UNKNOWN", `${name} has no upload ${JSON.stringify(id)}`);
}

function requireDigest(text: string | null): ParsedDigest {
  const parsed = parseDigest(text ?? "");
  if (parsed !== undefined) return parsed;
  const what = text === null ? "the digest parameter is missing" : `${JSON.stringify(text)} is no digest that we know`;
  throw new ApiError(400, "DIGEST_INVALID", `${what}: give it as sha256:<64 hexadecimal digits>`);
}

function progress(name: string, id: string, size: number): OutgoingHttpHeaders {
  return {
    Location: `/v2/${name}/blobs/uploads/${id}`,
    // There is no way to write an empty range; zero is what clients expect.
    Range: `0-${Math.max(size - 1, 0)}`,
    "Docker-Upload-UUID": id,
  };
}

function stored(name: string, digest: string): OutgoingHttpHeaders {
  return { Location: `/v2/${name}/blobs/${digest}`, "Docker-Content-Digest": digest };
}
