import { link, mkdir, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { BlobStore } from "../storage.js";
import { type Folders, ifExists, removeFile, syncFolder } from "./folders.js";

/** Blobs as files, which come in by a rename only. */
export function createBlobStore(folders: Folders): BlobStore {
  return {
    async size(name, digest) {
      return (await ifExists(stat(folders.blob(name, digest))))?.size;
    },
    async open(name, digest) {
      const file = await ifExists(open(folders.blob(name, digest), "r"));
      if (file === undefined) return undefined;
      return {
        size: (await file.stat()).size,
        read: (start, end) => file.createReadStream({ start, end, autoClose: false }),
        close: () => file.close(),
      };
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
