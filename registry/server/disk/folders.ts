import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ParsedDigest } from "../../src/digest.js";

/**
 * Where things are on disk. Every file that is served gets its name by a rename when it is complete and flushed:
 *
 *     uploads/<id>-<hash of the repository>      content on its way in
 *     temporary/<uuid>                           small files on their way in
 *     repositories/<name>/blobs/<algorithm>/<hex>
 *     repositories/<name>/manifests/<algorithm>/<hex>   media type, line break, the bytes as pushed
 *     repositories/<name>/tags/<tag>             the digest of a manifest
 *     repositories/<name>/referrers/<algorithm>-<hex>/<algorithm>-<hex>   a subject, and a manifest about it
 *
 * A blob that is in several repositories is one file with several hard links.
 */
export interface Folders {
  readonly uploads: string;
  repository(name: string): string;
  upload(name: string, id: string): string;
  blob(name: string, digest: ParsedDigest): string;
  manifests(name: string): string;
  manifest(name: string, digest: ParsedDigest): string;
  tags(name: string): string;
  tag(name: string, tag: string): string;
  allReferrers(name: string): string;
  referrers(name: string, subject: ParsedDigest): string;
  /** A new path for what is not complete yet. */
  temporary(): string;
  /** Writes a small file as a whole or not at all. */
  write(path: string, bytes: Uint8Array | string): Promise<void>;
  /** Removes what was given up longer than `olderThanMs` ago. Returns how many files. */
  sweep(olderThanMs: number): Promise<number>;
}

/** Makes the folders below `dir` that must be there. */
export async function createFolders(dir: string): Promise<Folders> {
  const uploads = join(dir, "uploads");
  const temporary = join(dir, "temporary");
  for (const folder of [uploads, temporary, join(dir, "repositories")]) await mkdir(folder, { recursive: true });

  // "+" is in no repository name, and one character as "/" is, so that no name gets too long for a file.
  const repository = (name: string): string => join(dir, "repositories", name.replaceAll("/", "+"));
  const content = (name: string, kind: string, { algorithm, hex }: ParsedDigest): string => {
    return join(repository(name), kind, algorithm, hex);
  };
  return {
    uploads,
    repository,
    upload: (name, id) => join(uploads, `${id}-${createHash("sha256").update(name).digest("hex").slice(0, 16)}`),
    blob: (name, digest) => content(name, "blobs", digest),
    manifests: (name) => join(repository(name), "manifests"),
    manifest: (name, digest) => content(name, "manifests", digest),
    tags: (name) => join(repository(name), "tags"),
    tag: (name, tag) => join(repository(name), "tags", encodeTag(tag)),
    allReferrers: (name) => join(repository(name), "referrers"),
    referrers: (name, { algorithm, hex }) => join(repository(name), "referrers", `${algorithm}-${hex}`),
    temporary: () => join(temporary, randomUUID()),
    async write(path, bytes) {
      const draft = join(temporary, randomUUID());
      const file = await open(draft, "wx");
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await moveInto(draft, path);
    },
    async sweep(olderThanMs) {
      const oldest = Date.now() - olderThanMs;
      let removed = 0;
      for (const folder of [uploads, temporary]) {
        for (const entry of await readdir(folder)) {
          const path = join(folder, entry);
          const found = await ifExists(stat(path));
          if (found === undefined || found.mtimeMs > oldest) continue;
          await rm(path, { force: true, recursive: true });
          removed += 1;
        }
      }
      return removed;
    },
  };
}

/** Gives a complete file its final name, and makes that last. */
export async function moveInto(from: string, to: string): Promise<void> {
  const folder = dirname(to);
  await mkdir(folder, { recursive: true });
  await rename(from, to);
  await syncFolder(folder);
}

/** Makes new and removed names of a folder last. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes a file; whether it was there. */
export async function removeFile(path: string): Promise<boolean> {
  const removed = await ifExists(unlink(path).then(() => true));
  if (removed !== undefined) await syncFolder(dirname(path));
  return removed !== undefined;
}

/** The result of a file operation, or undefined if there is no such file. */
export async function ifExists<T>(operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Some file systems take V1 and v1 for the same name: the capitals are written down as a bit mask after "+". */
export function encodeTag(tag: string): string {
  let mask = 0n;
  for (const [i, character] of [...tag].entries()) if (/[A-Z]/.test(character)) mask |= 1n << BigInt(i);
  return mask === 0n ? tag : `${tag.toLowerCase()}+${mask.toString(16)}`;
}

export function decodeTag(fileName: string): string {
  const [lower = "", hex = "0"] = fileName.split("+");
  const mask = BigInt(`0x${hex}`);
  return [...lower].map((c, i) => ((mask >> BigInt(i)) & 1n ? c.toUpperCase() : c)).join("");
}
