import type { Storage } from "../storage.js";
import { createBlobStore } from "./blob-store.js";
import { createFolders } from "./folders.js";
import { createManifestStore } from "./manifest-store.js";
import { createUploadStore } from "./upload-store.js";

/** A storage below a folder, which is made if it is not there. One process at a time uses it. */
export async function createDiskStorage(dir: string): Promise<Storage> {
  const folders = await createFolders(dir);
  return {
    blobs: createBlobStore(folders),
    uploads: createUploadStore(folders),
    manifests: createManifestStore(folders),
    sweep: folders.sweep,
  };
}
