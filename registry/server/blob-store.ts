import { type FileHandle, link, mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { ParsedDigest } from "../src/digest.js";
import { type Folders, ifExists, moveInto, removeFile, syncFolder } from "./folders.js";

/** Blobs by repository and digest. What it has is complete: files come in by a rename only. */
export interface BlobStore {
  /** Bytes, or undefined if the repository has no such blob. */
  size(name: string, digest: ParsedDigest): Promise<number | undefined>;
  /** The blob, for reading; the caller closes it. */
  open(name: string, digest: ParsedDigest): Promise<{ readonly file: FileHandle; readonly size: number } | undefined>;
  /** Takes over a file whose content was verified and flushed. */
  add(name: string, digest: ParsedDigest, path: string): Promise<void>;
  /** Makes a blob of another repository one of this; false if that has none. */
  mount(name: string, digest: ParsedDigest, from: string): Promise<boolean>;
  /** Whether there was one. */
  remove(name: string, digest: ParsedDigest): Promise<boolean>;
}

export function createBlobStore(folders: Folders): BlobStore {
  return {
    async size(name, digest) {
      return (await ifExists(stat(folders.blob(name, digest))))?.size;
    },
    async open(name, digest) {
      const file = await ifExists(open(folders.blob(name, digest), "r"));
      return file === undefined ? undefined : { file, size: (await file.stat()).size };
    },
    async add(name, digest, path) {
      await moveInto(path, folders.blob(name, digest));
    },
    async mount(name, digest, from) {
      const source = folders.blob(from, digest);
      const target = folders.blob(name, digest);
      if ((await ifExists(stat(source))) === undefined) return false;
      await mkdir(dirname(target), { recursive: true });
      try {
        await link(source, target);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EEXIST") return true;
        // Gone meanwhile, or a file system without hard links: the client uploads it then.
        if (code === "ENOENT" || code === "EPERM" || code === "ENOTSUP" || code === "EMLINK") return false;
        throw error;
      }
      await syncFolder(dirname(target));
      return true;
    },
    remove: (name, digest) => removeFile(folders.blob(name, digest)),
  };
}
