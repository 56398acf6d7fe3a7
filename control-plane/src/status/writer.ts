import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { parse, stringify } from "yaml";
import { type ObjectRef, objectKey } from "../model/object-ref.js";
import type { Condition } from "./condition.js";

/** A status with the object that it belongs to. */
export interface StatusDocument {
  readonly apiVersion: string;
  readonly object: ObjectRef;
  readonly status: object;
}

/** Keeps `<dir>/<kind>/<namespace>.<name>.yaml` equal to the last documents that it was given. */
export interface StatusWriter {
  /** Replaces the files that differ and removes those whose object is gone. Writes are one after the other. */
  write(documents: readonly StatusDocument[]): Promise<void>;
}

export function statusFile(dir: string, { kind, namespace, name }: ObjectRef): string {
  return join(dir, kind, `${namespace}.${name}.yaml`);
}

export function createStatusWriter(dir: string): StatusWriter {
  const written = new Map<string, string>();
  let queue: Promise<void> = Promise.resolve();
  let started = false;

  const writeAll = async (documents: readonly StatusDocument[]) => {
    if (!started) {
      // What an earlier run left is known, so that objects that went meanwhile lose their file.
      for (const path of await filesUnder(dir)) written.set(path, await readFile(path, "utf8"));
      started = true;
    }
    const wanted = new Map<string, string>();
    for (const { apiVersion, object, status } of documents) {
      const { kind, namespace, name } = object;
      wanted.set(
        statusFile(dir, object),
        stringify(
          { apiVersion, kind, metadata: { namespace, name }, status },
          { lineWidth: 0, aliasDuplicateObjects: false },
        ),
      );
    }
    for (const [path, text] of wanted) {
      if (written.get(path) === text) continue;
      await mkdir(dirname(path), { recursive: true });
      await writeFile(`${path}.tmp`, text);
      await rename(`${path}.tmp`, path);
      written.set(path, text);
    }
    for (const path of [...written.keys()]) {
      if (wanted.has(path)) continue;
      await rm(path, { force: true });
      written.delete(path);
    }
  };

  return {
    write(documents) {
      const done = queue.then(() => writeAll(documents));
      // A failed write is the caller's to report; the next one is tried all the same.
      queue = done.catch(() => undefined);
      return done;
    },
  };
}

/** A status as it stands in a file; fields are what an earlier version wrote, so nothing is certain of them. */
export interface StoredStatus {
  readonly object: ObjectRef;
  readonly status: Readonly<Record<string, unknown>>;
}

/** Reads what an earlier run wrote. Files that cannot be read are named and left alone. */
export async function readStatuses(
  dir: string,
): Promise<{ readonly statuses: readonly StoredStatus[]; readonly unreadable: readonly string[] }> {
  const statuses: StoredStatus[] = [];
  const unreadable: string[] = [];
  for (const path of await filesUnder(dir)) {
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

/** The conditions in a stored status, those that are whole. */
export function storedConditions({ status }: StoredStatus): readonly Condition[] {
  const { conditions } = status;
  if (!Array.isArray(conditions)) return [];
  return conditions.filter(
    (c): c is Condition =>
      isRecord(c) &&
      typeof c.type === "string" &&
      typeof c.status === "string" &&
      typeof c.lastTransitionTime === "string",
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function filesUnder(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true }).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".yaml"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** A key under which an object's status is looked up. */
export function statusKey(ref: ObjectRef): string {
  return `${ref.kind} ${objectKey(ref)}`;
}
