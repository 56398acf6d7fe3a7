import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { digestOf, type ParsedDigest } from "../../src/digest.js";
import { decodeManifest } from "../../src/manifest.js";
import { type Storage, type StoredManifest, UploadTooLarge } from "../storage.js";

interface Repository {
  readonly blobs: Map<string, Uint8Array>;
  readonly manifests: Map<string, StoredManifest>;
  /** Tag → digest. */
  readonly tags: Map<string, string>;
}

interface Upload {
  readonly name: string;
  chunks: Uint8Array[];
  size: number;
  changedMs: number;
}

/**
 * A storage that ends with the process. All blobs, manifests and uploads together have at most `maxBytes`; content that
 * is in several repositories counts once for each.
 */
export function createMemoryStorage(maxBytes: number): Storage {
  const repositories = new Map<string, Repository>();
  const uploads = new Map<string, Upload>();
  let used = 0;

  const repository = (name: string): Repository => {
    let found = repositories.get(name);
    if (found === undefined) {
      found = { blobs: new Map(), manifests: new Map(), tags: new Map() };
      repositories.set(name, found);
    }
    return found;
  };
  const upload = (name: string, id: string): Upload | undefined => {
    const found = uploads.get(id);
    return found?.name === name ? found : undefined;
  };
  const required = (name: string, id: string): Upload => {
    const found = upload(name, id);
    if (found === undefined) throw new Error(`there is no upload ${id}`);
    return found;
  };
  const claim = (bytes: number): void => {
    if (used + bytes > maxBytes) throw new UploadTooLarge();
    used += bytes;
  };
  const drop = (id: string, found: Upload): void => {
    uploads.delete(id);
    used -= found.size;
  };
  const addBlob = (name: string, digest: string, bytes: Uint8Array): void => {
    const { blobs } = repository(name);
    used -= blobs.get(digest)?.byteLength ?? 0;
    blobs.set(digest, bytes);
  };

  return {
    blobs: {
      async size(name, digest) {
        return repositories.get(name)?.blobs.get(textOf(digest))?.byteLength;
      },
      async open(name, digest) {
        const bytes = repositories.get(name)?.blobs.get(textOf(digest));
        if (bytes === undefined) return undefined;
        return {
          size: bytes.byteLength,
          read: (start, end) => Readable.from([bytes.subarray(start, end + 1)]),
          close: async () => {},
        };
      },
      async mount(name, digest, from) {
        const bytes = repositories.get(from)?.blobs.get(textOf(digest));
        if (bytes === undefined) return false;
        claim(bytes.byteLength);
        addBlob(name, textOf(digest), bytes);
        return true;
      },
      async remove(name, digest) {
        const blobs = repositories.get(name)?.blobs;
        const bytes = blobs?.get(textOf(digest));
        if (blobs === undefined || bytes === undefined) return false;
        used -= bytes.byteLength;
        return blobs.delete(textOf(digest));
      },
    },
    uploads: {
      async begin(name) {
        const id = randomUUID();
        uploads.set(id, { name, chunks: [], size: 0, changedMs: Date.now() });
        return id;
      },
      async size(name, id) {
        return upload(name, id)?.size;
      },
      async append(name, id, chunks, maxUploadBytes) {
        const found = required(name, id);
        for await (const chunk of chunks) {
          if (found.size + chunk.byteLength > maxUploadBytes) throw new UploadTooLarge();
          claim(chunk.byteLength);
          found.chunks.push(Uint8Array.from(chunk));
          found.size += chunk.byteLength;
          found.changedMs = Date.now();
        }
        return found.size;
      },
      async truncate(name, id, size) {
        const found = required(name, id);
        used -= found.size - size;
        found.chunks = [Buffer.concat(found.chunks).subarray(0, size)];
        found.size = size;
      },
      async seal(name, id, algorithm) {
        const found = required(name, id);
        found.chunks = [Buffer.concat(found.chunks)];
        return digestOf(found.chunks[0] ?? new Uint8Array(0), algorithm);
      },
      async commit(name, id, digest) {
        const found = required(name, id);
        uploads.delete(id);
        addBlob(name, textOf(digest), Buffer.concat(found.chunks));
      },
      async remove(name, id) {
        const found = upload(name, id);
        if (found === undefined) return false;
        drop(id, found);
        return true;
      },
    },
    manifests: {
      async get(name, reference) {
        const found = repositories.get(name);
        return found?.manifests.get(found.tags.get(reference) ?? reference);
      },
      async put(name, manifest, tags) {
        const found = repository(name);
        if (!found.manifests.has(manifest.digest)) claim(manifest.bytes.byteLength);
        found.manifests.set(manifest.digest, manifest);
        for (const tag of tags) found.tags.set(tag, manifest.digest);
      },
      async removeManifest(name, digest) {
        const found = repositories.get(name);
        const manifest = found?.manifests.get(textOf(digest));
        if (found === undefined || manifest === undefined) return false;
        for (const [tag, target] of found.tags) if (target === manifest.digest) found.tags.delete(tag);
        used -= manifest.bytes.byteLength;
        return found.manifests.delete(manifest.digest);
      },
      async removeTag(name, tag) {
        return repositories.get(name)?.tags.delete(tag) ?? false;
      },
      async tags(name) {
        const found = repositories.get(name);
        return found === undefined ? undefined : [...found.tags.keys()].sort();
      },
      async referrers(name, subject) {
        const found = [...(repositories.get(name)?.manifests.values() ?? [])];
        const wanted = textOf(subject);
        return found
          .filter(({ bytes, mediaType }) => decodeManifest(bytes, mediaType).subject?.digest === wanted)
          .map(({ digest }) => digest)
          .sort();
      },
    },
    async sweep(olderThanMs) {
      const oldest = Date.now() - olderThanMs;
      const old = [...uploads].filter(([, { changedMs }]) => changedMs <= oldest);
      for (const [id, found] of old) drop(id, found);
      return old.length;
    },
  };
}

function textOf({ algorithm, hex }: ParsedDigest): string {
  return `${algorithm}:${hex}`;
}
