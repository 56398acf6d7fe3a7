import { readdir, readFile, stat } from "node:fs/promises";
import { parseDigest } from "../../src/digest.js";
import { createKeyedLock } from "../../src/keyed-lock.js";
import type { ManifestStore } from "../storage.js";
import { decodeTag, type Folders, ifExists, removeFile } from "./folders.js";
import { createReferrerIndex, subjectOf } from "./referrer-index.js";

const LINE_BREAK = 0x0a;

/** Manifests, tags and referrers as small files. */
export function createManifestStore(folders: Folders): ManifestStore {
  /** Per repository: a deletion must not meet the tagging of the same manifest halfway. */
  const lock = createKeyedLock();
  const index = createReferrerIndex(folders);

  const readTag = async (name: string, tag: string): Promise<string | undefined> => {
    return ifExists(readFile(folders.tag(name, tag), "utf8"));
  };
  const listTags = async (name: string): Promise<readonly string[]> => {
    return ((await ifExists(readdir(folders.tags(name)))) ?? []).map(decodeTag).sort();
  };

  return {
    async get(name, reference) {
      const digest = parseDigest(reference) === undefined ? await readTag(name, reference) : reference;
      const parsed = parseDigest(digest ?? "");
      if (digest === undefined || parsed === undefined) return undefined;
      const file = await ifExists(readFile(folders.manifest(name, parsed)));
      if (file === undefined) return undefined;
      const end = file.indexOf(LINE_BREAK);
      return { digest, mediaType: file.toString("latin1", 0, end), bytes: file.subarray(end + 1) };
    },
    put: (name, { digest, mediaType, bytes }, tags, subject) =>
      lock(name, async () => {
        const parsed = parseDigest(digest);
        if (parsed === undefined) throw new Error(`not a digest: ${digest}`);
        if (subject !== undefined) await index.add(name, subject, parsed);
        await folders.write(folders.manifest(name, parsed), Buffer.concat([Buffer.from(`${mediaType}\n`), bytes]));
        for (const tag of tags) await folders.write(folders.tag(name, tag), digest);
      }),
    removeManifest: (name, digest) =>
      lock(name, async () => {
        const text = `${digest.algorithm}:${digest.hex}`;
        // Tags first: if we are stopped in between, none is left that points at nothing.
        for (const tag of await listTags(name)) {
          if ((await readTag(name, tag)) === text) await removeFile(folders.tag(name, tag));
        }
        const subject = await subjectOf(folders, name, digest);
        const removed = await removeFile(folders.manifest(name, digest));
        if (subject !== undefined) await index.remove(name, subject, digest);
        return removed;
      }),
    removeTag: (name, tag) => lock(name, () => removeFile(folders.tag(name, tag))),
    async tags(name) {
      const found = await ifExists(stat(folders.repository(name)));
      return found === undefined ? undefined : listTags(name);
    },
    referrers: (name, subject) => lock(name, () => index.list(name, subject)),
  };
}
