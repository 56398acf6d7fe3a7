import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat, truncate, writeFile } from "node:fs/promises";
import { createDigester } from "../../src/digest.js";
import { type UploadStore, UploadTooLarge } from "../storage.js";
import { type Folders, ifExists, moveInto, removeFile } from "./folders.js";

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Uploads as files, so that a client can go on after the registry was restarted. */
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
      return digester.digest();
    },
    commit: (name, id, digest) => moveInto(folders.upload(name, id), folders.blob(name, digest)),
    remove: (name, id) => removeFile(folders.upload(name, id)),
  };
}
