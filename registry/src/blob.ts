import { discardBody, readBody } from "./body.js";
import { digestOf, parseDigest } from "./digest.js";
import { RegistryError } from "./error.js";
import type { Descriptor } from "./manifest.js";
import { OCTET_STREAM } from "./media-types.js";
import type { Repository } from "./reference.js";
import { retrying } from "./retry.js";
import type { Exchange, Transport } from "./transport.js";

/** How long a registry has to forget an upload that was given up. */
const CANCEL_MS = 2_000;

/** What identifies a blob. */
export type BlobDescriptor = Pick<Descriptor, "digest" | "size">;

export interface PullBlobOptions {
  /** The most that is read. Default: the size in the descriptor, with no limit of its own. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface PushBlobOptions {
  /** A repository of the same registry that has the blob already, so that it need not be sent. */
  readonly mountFrom?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface PushedBlob {
  readonly digest: string;
  readonly size: number;
  /** Whether the registry had it already, so that nothing was sent. */
  readonly skipped: boolean;
}

/**
 * Fetches a blob. Every byte is counted and hashed: what is returned has the size and the digest asked for.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-blobs
 */
export async function pullBlob(
  transport: Transport,
  repository: Repository,
  { digest, size }: BlobDescriptor,
  { maxBytes = size, signal }: PullBlobOptions,
): Promise<Uint8Array> {
  const subject = blobSubject(repository, digest);
  const algorithm = parseDigest(digest)?.algorithm;
  if (algorithm === undefined) {
    throw new RegistryError("invalid-reference", `${subject}: this is not a sha256 or sha512 digest`);
  }
  if (size > maxBytes) {
    throw new RegistryError("too-large", `${subject}: has ${size} bytes, more than the ${maxBytes} allowed`);
  }
  const exchange = {
    method: "GET",
    registry: repository.registry,
    url: transport.url(repository.registry, `/v2/${repository.repository}/blobs/${digest}`),
    scope: pullScope(repository),
    subject,
    retry: false,
    signal,
  } as const;
  // What arrived before the connection broke is kept, and the next attempt asks for the rest only.
  let chunks: Uint8Array[] = [];
  let length = 0;
  const attempt = (): Promise<Uint8Array> => {
    const headers = length === 0 ? {} : { range: `bytes=${length}-` };
    return transport.send({ ...exchange, headers, expect: [200, 206, 416] }, async (response) => {
      if (response.status !== 206 || rangeStart(response.headers.get("content-range")) !== length) {
        chunks = [];
        length = 0;
      }
      if (response.status === 416 || (response.status === 206 && length === 0)) {
        await discardBody(response);
        throw new RegistryError("unavailable", `${subject}: the registry sent another part than was asked for`, {
          retryable: true,
        });
      }
      const onChunk = (chunk: Uint8Array): void => {
        chunks.push(chunk);
        length += chunk.byteLength;
      };
      await readBody(response, { maxBytes: size - length, what: subject, onChunk }).catch((error: unknown) => {
        const isLonger = error instanceof RegistryError && error.code === "too-large";
        throw isLonger ? mismatch(subject, `sent more than the ${size} bytes of its descriptor`) : error;
      });
      if (length < size) {
        throw new RegistryError("unavailable", `${subject}: ended after ${length} of ${size} bytes`, {
          hint: "the connection broke, or the registry's copy is damaged",
          retryable: true,
        });
      }
      const bytes = Buffer.concat(chunks, length);
      const actual = digestOf(bytes, algorithm);
      if (actual === digest) return bytes;
      chunks = [];
      length = 0;
      // What was put together from two answers may be right in one.
      throw mismatch(subject, `sent content with the digest ${actual}`, response.status === 206);
    });
  };
  return retrying(attempt, transport.retry, signal);
}

/** Where the part of a 206 begins. */
function rangeStart(contentRange: string | null): number | undefined {
  const [, first] = /^bytes (\d{1,15})-\d{1,15}\//.exec(contentRange ?? "") ?? [];
  return first === undefined ? undefined : Number(first);
}

/** Whether the registry has the blob. */
export async function hasBlob(
  transport: Transport,
  repository: Repository,
  digest: string,
  signal?: AbortSignal,
  retry?: boolean,
): Promise<boolean> {
  const exchange = {
    ...(retry === undefined ? {} : { retry }),
    method: "HEAD",
    registry: repository.registry,
    url: transport.url(repository.registry, `/v2/${repository.repository}/blobs/${digest}`),
    // Asked for before a push, with the token for it: one token does for all.
    scope: pushScope(repository),
    subject: blobSubject(repository, digest),
    expect: [200, 404],
    signal,
  } as const;
  return transport.send(exchange, async ({ status }) => status === 200);
}

/**
 * Uploads a blob unless it is there already or can be mounted: POST for an upload location, then one PUT.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#post-then-put
 */
export async function pushBlob(
  transport: Transport,
  repository: Repository,
  bytes: Uint8Array,
  { mountFrom, signal }: PushBlobOptions = {},
): Promise<PushedBlob> {
  const digest = digestOf(bytes);
  const size = bytes.byteLength;
  const { registry } = repository;
  const shared = {
    registry,
    scope: mountFrom === undefined ? pushScope(repository) : `repository:${mountFrom}:pull ${pushScope(repository)}`,
    subject: blobSubject(repository, digest),
    signal,
    // A location is good for one PUT. If any step fails, the whole upload starts again, with the question whether the
    // content arrived after all.
    retry: false,
  } as const;
  const upload = async (): Promise<PushedBlob> => {
    if (await hasBlob(transport, repository, digest, signal, false)) return { digest, size, skipped: true };
    const mount = mountFrom === undefined ? "" : `?${new URLSearchParams({ mount: digest, from: mountFrom })}`;
    const url = transport.url(registry, `/v2/${repository.repository}/blobs/uploads/${mount}`);
    const expect = mountFrom === undefined ? [202] : [201, 202];
    const location = await transport.send({ ...shared, method: "POST", url, expect }, async (response) => {
      await discardBody(response);
      if (response.status === 201) return undefined;
      return uploadLocation(response.headers.get("location"), url, shared.subject);
    });
    if (location === undefined) return { digest, size, skipped: true };
    const headers = { "content-type": OCTET_STREAM };
    const put = { ...shared, method: "PUT", url: withDigest(location, digest), headers, body: bytes } as const;
    const sent = transport.send({ ...put, expect: [201, 404] }, async (response) => {
      await discardBody(response);
      if (response.status === 404) throw uploadLost(shared.subject);
      const stored = response.headers.get("docker-content-digest");
      if (stored !== null && parseDigest(stored)?.algorithm === "sha256" && stored !== digest) {
        throw mismatch(shared.subject, `stored it with the digest ${stored}`);
      }
    });
    await sent.catch((error: unknown) => {
      if (signal?.aborted && location.origin === url.origin) cancelUpload(transport, { ...shared, url: location });
      throw error;
    });
    return { digest, size, skipped: false };
  };
  return retrying(upload, transport.retry, signal);
}

export function pullScope({ repository }: Repository): string {
  return `repository:${repository}:pull`;
}

export function pushScope({ repository }: Repository): string {
  return `repository:${repository}:pull,push`;
}

/** Lets the registry forget an upload that the caller gave up. It forgets it by itself later, so failures don't matter. */
function cancelUpload(transport: Transport, exchange: Omit<Exchange, "method" | "expect">): void {
  const signal = AbortSignal.timeout(CANCEL_MS);
  const cancel = { ...exchange, method: "DELETE", expect: [200, 202, 204, 404], retry: false, signal } as const;
  transport.send(cancel, discardBody).catch(() => undefined);
}

function uploadLocation(location: string | null, base: URL, subject: string): URL {
  if (location === null || !URL.canParse(location, base.href)) {
    throw new RegistryError(
      "protocol",
      `${subject}: the registry accepted the upload, but names no usable location for it`,
    );
  }
  return new URL(location, base);
}

/** The location with the digest added; whatever query it has is kept to the letter. */
function withDigest(location: URL, digest: string): URL {
  const url = new URL(location);
  url.search += `${url.search === "" ? "?" : "&"}digest=${encodeURIComponent(digest)}`;
  return url;
}

function blobSubject({ registry, repository }: Repository, digest: string): string {
  return `blob ${registry}/${repository}@${digest}`;
}

function uploadLost(subject: string): RegistryError {
  return new RegistryError("unavailable", `${subject}: the registry no longer knows the upload that it began`, {
    hint: "the registry was restarted, or several servers answer for it that share no uploads",
    status: 404,
    retryable: true,
  });
}

function mismatch(subject: string, what: string, retryable = false): RegistryError {
  return new RegistryError("digest-mismatch", `${subject}: the registry ${what}`, {
    hint: "the content was changed in the registry or on the way: do not use it",
    retryable,
  });
}
