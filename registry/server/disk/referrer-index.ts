import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ParsedDigest, parseDigest } from "../../src/digest.js";
import { decodeManifest } from "../../src/manifest.js";
import { type Folders, ifExists, removeFile, syncFolder } from "./folders.js";

/**
 * Which manifests have which subject: an empty file for each pair. An entry is written before its manifest, so that
 * no referrer is missing; one without a manifest, after a crash, is left out where it is read.
 */
export interface ReferrerIndex {
  add(name: string, subject: ParsedDigest, digest: ParsedDigest): Promise<void>;
  remove(name: string, subject: ParsedDigest, digest: ParsedDigest): Promise<void>;
  /** In ASCII order. */
  list(name: string, subject: ParsedDigest): Promise<readonly string[]>;
}

export function createReferrerIndex(folders: Folders): ReferrerIndex {
  const entry = (name: string, subject: ParsedDigest, digest: ParsedDigest): string =>
    join(folders.referrers(name, subject), encode(digest));

  /** A folder of a registry that had no referrers yet has manifests with subjects all the same. */
  const ready = async (name: string): Promise<void> => {
    const final = folders.allReferrers(name);
    if ((await ifExists(stat(final))) !== undefined) return;
    const draft = folders.temporary();
    await mkdir(draft, { recursive: true });
    for (const digest of await manifestsOf(folders, name)) {
      const subject = await subjectOf(folders, name, digest);
      if (subject === undefined) continue;
      const dir = join(draft, encode(subject));
      await mkdir(dir, { recursive: true });
      await writeFile(join(dir, encode(digest)), "");
    }
    await mkdir(folders.repository(name), { recursive: true });
    await rename(draft, final);
    await syncFolder(folders.repository(name));
  };

  return {
    async add(name, subject, digest) {
      await ready(name);
      await folders.write(entry(name, subject, digest), "");
    },
    async remove(name, subject, digest) {
      await removeFile(entry(name, subject, digest));
    },
    async list(name, subject) {
      if ((await ifExists(stat(folders.repository(name)))) === undefined) return [];
      await ready(name);
      const found = (await ifExists(readdir(folders.referrers(name, subject)))) ?? [];
      return found.map((file) => file.replace("-", ":")).sort();
    },
  };
}

function encode({ algorithm, hex }: ParsedDigest): string {
  return `${algorithm}-${hex}`;
}

async function manifestsOf(folders: Folders, name: string): Promise<readonly ParsedDigest[]> {
  const all = folders.manifests(name);
  const algorithms = (await ifExists(readdir(all))) ?? [];
  const listed = await Promise.all(
    algorithms.map(async (algorithm) => (await readdir(join(all, algorithm))).map((hex) => `${algorithm}:${hex}`)),
  );
  return listed.flat().flatMap((text) => parseDigest(text) ?? []);
}

/** What a stored manifest is about; undefined also for one that cannot be read. */
export async function subjectOf(
  folders: Folders,
  name: string,
  digest: ParsedDigest,
): Promise<ParsedDigest | undefined> {
  const file = await ifExists(readFile(folders.manifest(name, digest)));
  if (file === undefined) return undefined;
  const end = file.indexOf("\n");
  try {
    const { subject } = decodeManifest(file.subarray(end + 1), file.toString("latin1", 0, end));
    return subject === undefined ? undefined : parseDigest(subject.digest);
  } catch {
    // Served as it was pushed, but it says nothing that can be understood.
    return undefined;
  }
}
