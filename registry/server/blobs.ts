import { pipeline } from "node:stream/promises";
import { type ParsedDigest, parseDigest } from "../src/digest.js";
import { OCTET_STREAM } from "../src/media-types.js";
import { ApiError } from "./errors.js";
import { type Exchange, sendEmpty } from "./exchange.js";
import { parseRange } from "./range.js";

/** GET and HEAD of a blob. https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-blobs */
export async function getBlob(exchange: Exchange, name: string, digest: string): Promise<void> {
  const { request, response, blobs } = exchange;
  const opened = await blobs.open(name, known(digest));
  if (opened === undefined) throw unknown(name, digest);
  const { size } = opened;
  try {
    const etag = `"${digest}"`;
    const headers = {
      "Accept-Ranges": "bytes",
      "Content-Type": OCTET_STREAM,
      "Docker-Content-Digest": digest,
      ETag: etag,
    };
    const isHead = request.method === "HEAD";
    const condition = request.headers["if-range"];
    const wantsPart = !isHead && (condition === undefined || condition === etag);
    const range = parseRange(wantsPart ? request.headers.range : undefined, size);
    if (range.kind === "unsatisfiable") {
      throw new ApiError(416, "SIZE_INVALID", `the range is outside of the blob's ${size} bytes`, {
        "Content-Range": `bytes */${size}`,
      });
    }
    const { start, end } = range.kind === "part" ? range : { start: 0, end: size - 1 };
    const contentRange = range.kind === "part" ? { "Content-Range": `bytes ${start}-${end}/${size}` } : {};
    response.writeHead(range.kind === "part" ? 206 : 200, {
      ...headers,
      ...contentRange,
      "Content-Length": end - start + 1,
    });
    if (isHead || size === 0) response.end();
    else await pipeline(opened.read(start, end), response);
  } finally {
    await opened.close();
  }
}

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#deleting-blobs */
export async function deleteBlob(exchange: Exchange, name: string, digest: string): Promise<void> {
  if (!(await exchange.blobs.remove(name, known(digest)))) throw unknown(name, digest);
  sendEmpty(exchange, 202, {});
}

/** What is not a digest cannot be found. */
function known(digest: string): ParsedDigest {
  const parsed = parseDigest(digest);
  if (parsed !== undefined) return parsed;
  throw new ApiError(404, "DIGEST_INVALID", `${JSON.stringify(digest)} is not a sha256 or sha512 digest`);
}

function unknown(name: string, digest: string): ApiError {
  return new ApiError(404, "BLOB_UNKNOWN", `${name} has no blob ${digest}`);
}
