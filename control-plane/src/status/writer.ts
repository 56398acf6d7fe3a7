import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { parse, stringify } from "yaml";
import type { ObjectRef } from "../model/object-ref.js";
import { isRecord, type StatusDocument, type StoredStatus } from "./document.js";

export { statusKey, storedConditions } from "./document.js";

/** Keeps `<dir>/<kind>/<namespace>.<name>.yaml` equal to the last documents that it was given. */
export interface StatusWriter {
  /**
   * Replaces the files of these that differ, and removes those of objects that are gone. Without `gone` these are all that
   * there are, and whatever else is there is removed. Writes are one after the other.
   */
  write(documents: readonly StatusDocument[], gone?: readonly ObjectRef[]): Promise<void>;
}

const TEMPORARY = ".tmp";

/** Most file systems take 255 bytes; a temporary file has a suffix too. */
const MAX_NAME_LENGTH = 200;

/**
 * Where an object's status stands. Objects that were refused have a status too, so nothing is certain of their names:
 * what could lead out of the folder is escaped, and what is too long for a file name is cut and told apart by a hash.
 */
export function statusFile(dir: string, { kind, namespace, name }: ObjectRef): string {
  return join(dir, fileName(kind), `${fileName(`${namespace}.${name}`)}.yaml`);
}

function fileName(text: string): string {
  const safe = text.replace(/[^A-Za-z0-9._-]/g, "_").replace(/^\.+/, (dots) => "_".repeat(dots.length));
  if (safe === text && text !== "" && text.length <= MAX_NAME_LENGTH) return text;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return `${safe.slice(0, MAX_NAME_LENGTH)}~${hash}`;
}

export function createStatusWriter(dir: string): StatusWriter {
  const written = new Map<string, string>();
  /** Most documents are what they were: JSON tells so a hundred times faster than YAML is made. */
  const rendered = new Map<string, { readonly json: string; readonly text: string }>();
  let queue: Promise<void> = Promise.resolve();
  let started = false;

  const writeAll = async (documents: readonly StatusDocument[], gone: readonly ObjectRef[] | undefined) => {
    if (!started) {
      // What an earlier run left is known, so that objects that went meanwhile lose their file.
      for (const path of await filesUnder(dir, ".yaml")) written.set(path, await readFile(path, "utf8"));
      for (const path of await filesUnder(dir, TEMPORARY)) await rm(path, { force: true });
      started = true;
    }
    const wanted = new Map<string, string>();
    for (const { apiVersion, object, status } of documents) {
      const { kind, namespace, name } = object;
      const document = { apiVersion, kind, metadata: { namespace, name }, status };
      const path = statusFile(dir, object);
      const json = JSON.stringify(document);
      const before = rendered.get(path);
      const text =
        before?.json === json ? before.text : stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
      rendered.set(path, { json, text });
      wanted.set(path, text);
    }
    const failures: unknown[] = [];
    // One file that cannot be written must not keep the others from being right.
    const attempt = (step: () => Promise<void>) => step().catch((error: unknown) => void failures.push(error));
    for (const [path, text] of wanted)
      if (written.get(path) !== text)
        await attempt(async () => {
          await mkdir(dirname(path), { recursive: true });
          await writeFile(path + TEMPORARY, text);
          await rename(path + TEMPORARY, path);
          written.set(path, text);
        });
    const leaving = gone === undefined ? [...written.keys()] : gone.map((ref) => statusFile(dir, ref));
    for (const path of leaving)
      if (!wanted.has(path))
        await attempt(async () => {
          await rm(path, { force: true });
          written.delete(path);
          rendered.delete(path);
        });
    if (failures.length > 0) throw failures[0];
  };

  return {
    write(documents, gone) {
      const done = queue.then(() => writeAll(documents, gone));
      // A failed write is the caller's to report; the next one is tried all the same.
      queue = done.catch(() => undefined);
      return done;
    },
  };
}

/** Reads what an earlier run wrote. Files that cannot be read are named and left alone. */
export async function readStatuses(
  dir: string,
): Promise<{ readonly statuses: readonly StoredStatus[]; readonly unreadable: readonly string[] }> {
  const statuses: StoredStatus[] = [];
  const unreadable: string[] = [];
  for (const path of await filesUnder(dir, ".yaml")) {
    const stored = parseStatus(await readFile(path, "utf8"));
    if (stored === undefined) unreadable.push(relative(dir, path));
    else statuses.push(stored);
  }
  return { statuses, unreadable };
}

function parseStatus(text: string): StoredStatus | undefined {
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || !isRecord(value.metadata) || !isRecord(value.status)) return undefined;
  const { kind, metadata, status } = value;
  const { namespace, name } = metadata;
  if (typeof kind !== "string" || typeof namespace !== "string" || typeof name !== "string") return undefined;
  return { object: { kind, namespace, name }, status };
}

async function filesUnder(dir: string, suffix: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true }).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
