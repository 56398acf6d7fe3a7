import type { Readable } from "node:stream";
import type { DigestAlgorithm, ParsedDigest } from "../src/digest.js";

/** Where a registry keeps its content: on disk or in memory. One contract suite holds for both. */
export interface Storage {
  readonly blobs: BlobStore;
  readonly uploads: UploadStore;
  readonly manifests: ManifestStore;
  /** Removes unfinished uploads on which nothing happened for `olderThanMs`. Returns how many. */
  sweep(olderThanMs: number): Promise<number>;
}

/** A blob that is being read; the reader closes it. */
export interface OpenBlob {
  /** Bytes. */
  readonly size: number;
  /** The bytes from `start` to `end`, inclusive. */
  read(start: number, end: number): Readable;
  close(): Promise<void>;
}

/** Blobs by repository and digest. What it has is complete: content comes in by `UploadStore.commit` only. */
export interface BlobStore {
  /** Bytes, or undefined if the repository has no such blob. */
  size(name: string, digest: ParsedDigest): Promise<number | undefined>;
  open(name: string, digest: ParsedDigest): Promise<OpenBlob | undefined>;
  /** Makes a blob of another repository one of this; false if that has none. */
  mount(name: string, digest: ParsedDigest, from: string): Promise<boolean>;
  /** Whether there was one. */
  remove(name: string, digest: ParsedDigest): Promise<boolean>;
}

/** Uploads that have begun. */
export interface UploadStore {
  /** The id of a new upload. */
  begin(name: string): Promise<string>;
  /** Bytes received so far, or undefined if there is no such upload. */
  size(name: string, id: string): Promise<number | undefined>;
  /**
   * Adds what a client sends. Throws UploadTooLarge when the upload would have more than `maxBytes`, or the storage is
   * full. What arrived before a failure stays.
   */
  append(name: string, id: string, chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<number>;
  /** Forgets what was received after the first `size` bytes. */
  truncate(name: string, id: string, size: number): Promise<void>;
  /** The digest of what was received, which from now on lasts. */
  seal(name: string, id: string, algorithm: DigestAlgorithm): Promise<string>;
  /** Makes a sealed upload the blob with this digest. */
  commit(name: string, id: string, digest: ParsedDigest): Promise<void>;
  /** Whether there was one. */
  remove(name: string, id: string): Promise<boolean>;
}

export class UploadTooLarge extends Error {
  override readonly name = "UploadTooLarge";
}

export interface StoredManifest {
  readonly digest: string;
  /** The Content-Type it was pushed with. */
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** Manifests by repository and digest, the tags that point at them, and what they say about each other. */
export interface ManifestStore {
  /** By tag or digest. */
  get(name: string, reference: string): Promise<StoredManifest | undefined>;
  /** Stores a manifest, then points the tags at it. With `subject`, it becomes a referrer of that digest. */
  put(name: string, manifest: StoredManifest, tags: readonly string[], subject?: ParsedDigest): Promise<void>;
  /** Removes a manifest and every tag that points at it; whether there was one. */
  removeManifest(name: string, digest: ParsedDigest): Promise<boolean>;
  removeTag(name: string, tag: string): Promise<boolean>;
  /** In ASCII order; undefined if there is no such repository. */
  tags(name: string): Promise<readonly string[] | undefined>;
  /** The digests of the manifests whose `subject` this is, in ASCII order. */
  referrers(name: string, subject: ParsedDigest): Promise<readonly string[]>;
}
