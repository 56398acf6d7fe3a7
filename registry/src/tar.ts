import { finished } from "node:stream/promises";
import { extract, pack } from "tar-stream";
import { RegistryError } from "./error.js";

export interface TarFile {
  /** Relative path with `/`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const EPOCH = new Date(0);

/**
 * A ustar archive that depends on nothing but names and contents: sorted, no times, no owners. Folders have entries
 * of their own: `oras pull` makes none that is not there.
 */
export async function packTar(files: readonly TarFile[]): Promise<Uint8Array> {
  const archive = pack();
  const contents = new Map<string, Uint8Array | undefined>(files.flatMap(({ name }) => parentsOf(name)));
  for (const { name, bytes } of files) contents.set(name, bytes);
  const sorted = [...contents].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, bytes] of sorted) {
    const owner = { uid: 0, gid: 0, mtime: EPOCH };
    if (bytes === undefined) archive.entry({ name, mode: 0o755, type: "directory", ...owner });
    else archive.entry({ name, mode: 0o644, type: "file", ...owner }, Buffer.from(bytes));
  }
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/**
 * The regular files of an archive, in its order. Refuses (RegistryError `invalid-artifact`, `too-large`) everything
 * that could mean another file than it says: links and devices, absolute paths, `..`, the same path twice.
 * The caller has bounded the archive's bytes.
 */
export async function unpackTar(archive: Uint8Array, maxEntries: number): Promise<readonly TarFile[]> {
  const files = new Map<string, TarFile>();
  const parser = extract();
  let entries = 0;
  parser.end(archive);
  try {
    for await (const entry of parser) {
      const { name: path, type } = entry.header;
      entries += 1;
      if (entries > maxEntries) throw new RegistryError("too-large", `the archive has more than ${maxEntries} entries`);
      const name = checkPath(path);
      if (type !== "file" && type !== "contiguous-file" && type !== "directory") {
        throw invalid(`${JSON.stringify(path)} is a ${type ?? "entry of unknown type"}, not a regular file`);
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry) chunks.push(chunk as Uint8Array);
      if (type === "directory") continue;
      if (name === "" || files.has(name)) throw invalid(`${JSON.stringify(path)} is in it twice, or has no name`);
      files.set(name, { name, bytes: Buffer.concat(chunks) });
    }
    await finished(parser);
  } catch (error) {
    parser.destroy();
    if (error instanceof RegistryError) throw error;
    throw invalid(error instanceof Error ? error.message : String(error), error);
  }
  return [...files.values()];
}

/** Whether a path stays below where it is unpacked, on any system. */
export function isSafePath(path: string): boolean {
  return !path.startsWith("/") && !/[\\\0]|^[a-zA-Z]:/.test(path) && !path.split("/").includes("..");
}

/** `a/` and `a/b/` of `a/b/c`. */
function parentsOf(name: string): readonly [string, undefined][] {
  const folders = name.split("/").slice(0, -1);
  return folders.map((_, i) => [`${folders.slice(0, i + 1).join("/")}/`, undefined]);
}

function checkPath(path: string): string {
  if (!isSafePath(path)) throw invalid(`the path ${JSON.stringify(path.slice(0, 200))} leaves the archive`);
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

function invalid(what: string, cause?: unknown): RegistryError {
  return new RegistryError("invalid-artifact", `the tar archive cannot be used: ${what}`, {
    hint: "pack it again, with plain files only",
    cause,
  });
}
