import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat, truncate, writeFile } from "node:fs/promises";
import { createDigester, type DigestAlgorithm } from "../src/digest.js";
import { type Folders, ifExists, removeFile } from "./folders.js";

/** Uploads that have begun. They are files, so that a client can go on after the registry was restarted. */
export interface UploadStore {
  /** The id of a new upload. */
  begin(name: string): Promise<string>;
  /** Bytes received so far, or undefined if there is no such upload. */
  size(name: string, id: string): Promise<number | undefined>;
  /**
   * Adds what a client sends. Throws UploadTooLarge when the upload would have more than `maxBytes`. What arrived
   * before a failure stays.
   */
  append(name: string, id: string, chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<number>;
  /** Forgets what was received after the first `size` bytes. */
  truncate(name: string, id: string, size: number): Promise<void>;
  /** Flushes the upload to disk and computes its digest. The file is at `path`, to be taken away. */
  seal(
    name: string,
    id: string,
    algorithm: DigestAlgorithm,
  ): Promise<{ readonly digest: string; readonly path: string }>;
  /** Whether there was one. */
  remove(name: string, id: string): Promise<boolean>;
}

export class UploadTooLarge extends Error {
  override readonly name = "UploadTooLarge";
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function createUploadStore(folders: Folders): UploadStore {
  return {
    async begin(name) {
      const id = randomUUID();
      await writeFile(folders.upload(name, id), "", { flag: "wx" });
      return id;
    },
    async size(name, id) {
      return ID.test(id) ? (await ifExists(stat(folders.upload(name, id))))?.size : undefined;
    },
    async append(name, id, chunks, maxBytes) {
      const file = await open(folders.upload(name, id), "a");
      try {
        let { size } = await file.stat();
        for await (const chunk of chunks) {
          size += chunk.byteLength;
          if (size > maxBytes) throw new UploadTooLarge();
          await file.appendFile(chunk);
        }
        return size;
      } finally {
        await file.close();
      }
    },
    truncate: (name, id, size) => truncate(folders.upload(name, id), size),
    async seal(name, id, algorithm) {
      const path = folders.upload(name, id);
      const file = await open(path, "r+");
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      const digester = createDigester(algorithm);
      for await (const chunk of createReadStream(path)) digester.update(chunk as Uint8Array);
      return { digest: digester.digest(), path };
    },
    remove: (name, id) => removeFile(folders.upload(name, id)),
  };
}
