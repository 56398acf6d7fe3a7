import { type ParsedDigest, parseDigest } from "../src/digest.js";
import { type Descriptor, decodeManifest, MAX_MANIFEST_BYTES } from "../src/manifest.js";
import { OCI_INDEX } from "../src/media-types.js";
import { referrerDescriptor } from "../src/referrer-descriptor.js";
import { ApiError } from "./errors.js";
import { type Exchange, sendBytes } from "./exchange.js";

/** What the index has besides its entries. */
const FRAME_BYTES = 1024;

/**
 * The manifests that say something about another, as an index of at most 4 MiB; `last` in a query goes on after a
 * page. https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
 */
export async function getReferrers(exchange: Exchange, name: string, digest: string): Promise<void> {
  const { query, manifests } = exchange;
  const subject = requireDigest(digest);
  const artifactType = query.get("artifactType");
  const last = query.get("last");
  const page: Descriptor[] = [];
  let bytes = FRAME_BYTES;
  let next: string | undefined;
  for (const found of await manifests.referrers(name, subject)) {
    if (last !== null && found <= last) continue;
    const entry = await describe(exchange, name, found);
    if (entry === undefined || (artifactType !== null && entry.artifactType !== artifactType)) continue;
    bytes += Buffer.byteLength(JSON.stringify(entry)) + 1;
    if (bytes > MAX_MANIFEST_BYTES && page.length > 0) {
      next = page.at(-1)?.digest;
      break;
    }
    page.push(entry);
  }
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: page };
  sendBytes(exchange, 200, Buffer.from(JSON.stringify(index)), {
    "Content-Type": OCI_INDEX,
    ...(artifactType === null ? {} : { "OCI-Filters-Applied": "artifactType" }),
    ...(next === undefined ? {} : { Link: `<${nextPage(name, digest, artifactType, next)}>; rel="next"` }),
  });
}

function requireDigest(text: string): ParsedDigest {
  const parsed = parseDigest(text);
  if (parsed !== undefined) return parsed;
  throw new ApiError(400, "DIGEST_INVALID", `${JSON.stringify(text)} is not a sha256 or sha512 digest`);
}

/** Undefined for a manifest that is gone meanwhile. */
async function describe({ manifests }: Exchange, name: string, digest: string): Promise<Descriptor | undefined> {
  const stored = await manifests.get(name, digest);
  if (stored === undefined) return undefined;
  const { mediaType, bytes } = stored;
  return referrerDescriptor(decodeManifest(bytes, mediaType), { mediaType, digest, size: bytes.byteLength });
}

function nextPage(name: string, digest: string, artifactType: string | null, last: string): string {
  const query = new URLSearchParams({ ...(artifactType === null ? {} : { artifactType }), last });
  return `/v2/${name}/referrers/${digest}?${query}`;
}
