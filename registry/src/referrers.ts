import { pullScope } from "./blob.js";
import { readBody } from "./body.js";
import { digestOf, parseDigest } from "./digest.js";
import { RegistryError } from "./error.js";
import { type Descriptor, decodeManifest, MAX_MANIFEST_BYTES, type Manifest } from "./manifest.js";
import { OCI_INDEX } from "./media-types.js";
import { formatReference, type Reference, type Repository } from "./reference.js";
import { referrerDescriptor } from "./referrer-descriptor.js";
import { deleteManifest, pullManifest, pushManifest } from "./remote-manifest.js";
import { rewrite } from "./rewrite.js";
import { nextPage } from "./tags.js";
import type { Transport } from "./transport.js";

const MAX_PAGES = 100;
const MAX_REFERRERS = 10_000;

/**
 * What refers to a manifest, by the referrers API, or where the registry has none, by the fallback tag.
 * `artifactType` of an entry is a hint only: in fallback tags it is often wrong, so that whoever looks for a type must
 * look into the manifests. https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
 */
export async function listReferrers(
  transport: Transport,
  repository: Repository,
  digest: string,
  signal?: AbortSignal,
): Promise<readonly Descriptor[]> {
  const byApi = await listByApi(transport, repository, digest, signal);
  if (byApi !== undefined) return byApi;
  const entries = await readFallback(transport, repository, digest, signal);
  return (entries ?? []).map(({ descriptor }) => descriptor);
}

/**
 * Pushes a manifest that has a `subject`, so that whoever lists the referrers of that finds it, also in registries
 * without the referrers API.
 */
export async function pushReferrer(
  transport: Transport,
  repository: Repository,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<{ readonly digest: string }> {
  const manifest = decodeManifest(bytes);
  const { subject } = manifest;
  if (subject === undefined) throw new RegistryError("invalid-manifest", "a referrer must have a subject");
  const digest = digestOf(bytes);
  const reference = { registry: repository.registry, repository: repository.repository, digest };
  await pushManifest(transport, reference, bytes, manifest.mediaType, signal);
  // Some registries confirm the subject and list nothing all the same: what counts is whether it can be found.
  const listed = await listByApi(transport, repository, subject.digest, signal);
  if (listed === undefined)
    await addToFallback(transport, repository, subject.digest, entryOf(manifest, bytes), signal);
  return { digest };
}

/** Deletes a referrer, also from the index behind the fallback tag. */
export async function deleteReferrer(
  transport: Transport,
  repository: Repository,
  subject: string,
  digest: string,
  signal?: AbortSignal,
): Promise<void> {
  await deleteManifest(transport, { ...repository, digest }, signal);
  if ((await listByApi(transport, repository, subject, signal)) !== undefined) return;
  await changeFallback(transport, repository, subject, (entries) => entries.filter((e) => e.digest !== digest), signal);
}

/** Undefined where the registry has no referrers API. */
async function listByApi(
  transport: Transport,
  repository: Repository,
  digest: string,
  signal: AbortSignal | undefined,
): Promise<readonly Descriptor[] | undefined> {
  const { registry } = repository;
  const subject = `referrers of ${formatReference({ ...repository, digest })}`;
  const found: Descriptor[] = [];
  let url: URL | undefined = transport.url(registry, `/v2/${repository.repository}/referrers/${digest}`);
  const { origin } = url;
  for (let page = 1; url !== undefined; page += 1) {
    if (page > MAX_PAGES || found.length > MAX_REFERRERS)
      throw new RegistryError("too-large", `${subject}: more than ${MAX_REFERRERS} referrers or ${MAX_PAGES} pages`);
    const here: URL = url;
    const exchange = { method: "GET", registry, url: here, scope: pullScope(repository), subject, signal } as const;
    const answer = await transport.send({ ...exchange, expect: [200, 404, 405, 501] }, async (response) => {
      const body = await readBody(response, { maxBytes: MAX_MANIFEST_BYTES, what: `a page of the ${subject}` });
      if (response.status !== 200) return undefined;
      return { entries: decodeIndex(body, subject), next: nextPage(response.headers.get("link"), here) };
    });
    if (answer === undefined) return undefined;
    found.push(...answer.entries);
    url = answer.next;
    if (url !== undefined && url.origin !== origin)
      throw new RegistryError("protocol", `${subject}: the next page is at another server, ${url.origin}`);
  }
  return found;
}

function decodeIndex(bytes: Uint8Array, subject: string): readonly Descriptor[] {
  try {
    const manifest = decodeManifest(bytes, OCI_INDEX);
    return manifest.kind === "index" ? manifest.manifests : [];
  } catch (error) {
    throw error instanceof RegistryError ? error.about(subject) : error;
  }
}

/** An entry of a fallback index: what we understand of it, and all of it, to be written back. */
interface Entry {
  readonly digest: string;
  readonly descriptor: Descriptor;
  readonly json: unknown;
}

/** `sha256-…`: the tag of the index of referrers. Too long digests are cut, as the specification says. */
export function fallbackTag(digest: string): string {
  const [algorithm = "", encoded = ""] = digest.split(":");
  return `${algorithm.slice(0, 32)}-${encoded.slice(0, 64)}`.replace(/[^A-Za-z0-9_.-]/g, "-");
}

function fallbackReference({ registry, repository }: Repository, digest: string): Reference {
  return { registry, repository, tag: fallbackTag(digest) };
}

/** The entries behind the fallback tag; none where there is no such tag, undefined where something else is behind it. */
async function readFallback(
  transport: Transport,
  repository: Repository,
  digest: string,
  signal: AbortSignal | undefined,
): Promise<readonly Entry[] | undefined> {
  const found = await pullManifest(transport, fallbackReference(repository, digest), signal).catch((error: unknown) => {
    if (error instanceof RegistryError && error.code === "not-found") return undefined;
    throw error;
  });
  // One registry answers such a tag with the subject itself.
  if (found === undefined || found.digest === digest) return [];
  if (found.manifest.kind !== "index") return undefined;
  const { manifests } = JSON.parse(new TextDecoder().decode(found.bytes)) as { readonly manifests: unknown[] };
  return found.manifest.manifests.map((descriptor, i) => ({
    digest: descriptor.digest,
    descriptor,
    json: manifests[i],
  }));
}

function entryOf(manifest: Manifest, bytes: Uint8Array): Entry {
  const { mediaType } = manifest;
  const descriptor = referrerDescriptor(manifest, { mediaType, digest: digestOf(bytes), size: bytes.byteLength });
  return { digest: descriptor.digest, descriptor, json: descriptor };
}

function addToFallback(
  transport: Transport,
  repository: Repository,
  subject: string,
  entry: Entry,
  signal: AbortSignal | undefined,
): Promise<void> {
  const add = (entries: readonly Entry[]): readonly Entry[] =>
    entries.some(({ digest }) => digest === entry.digest) ? entries : [...entries, entry];
  return changeFallback(transport, repository, subject, add, signal);
}

async function changeFallback(
  transport: Transport,
  repository: Repository,
  subject: string,
  change: (entries: readonly Entry[]) => readonly Entry[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const reference = fallbackReference(repository, subject);
  const isChanged = await rewrite<readonly Entry[]>({
    what: formatReference(reference),
    async read() {
      const entries = await readFallback(transport, repository, subject, signal);
      if (entries !== undefined) return entries;
      throw new RegistryError("invalid-manifest", `${formatReference(reference)}: this is no list of referrers`, {
        hint: "the registry has no referrers API and keeps the list behind this tag: delete what somebody else put there",
      });
    },
    isDone: (entries) => change(entries).length === entries.length,
    async write(entries) {
      const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: change(entries).map(({ json }) => json) };
      const bytes = new TextEncoder().encode(JSON.stringify(index));
      if (bytes.byteLength > MAX_MANIFEST_BYTES)
        throw new RegistryError("too-large", `${formatReference(reference)}: the list of referrers is full`);
      await pushManifest(transport, reference, bytes, OCI_INDEX, signal);
    },
    signal,
  });
  if (isChanged) return;
  throw new RegistryError("unavailable", `${formatReference(reference)}: others change it all the time`, {
    hint: "the registry has no referrers API, so that writers overwrite each other; try again",
    retryable: true,
  });
}

/** Whether a digest is one that can have referrers. */
export function requireSubject(digest: string): void {
  if (parseDigest(digest) === undefined)
    throw new RegistryError("invalid-reference", `${JSON.stringify(digest)} is not a sha256 or sha512 digest`);
}
