import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { eventsFrom, type RecordedEvent } from "./event-log.js";

/** A log within its limits is smaller; what is larger is somebody else's file. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** Replaces the file as a whole: who reads it meanwhile has the one or the other. */
export async function writeEvents(path: string, events: readonly RecordedEvent[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.tmp`, `${JSON.stringify({ events }, undefined, 2)}\n`);
  await rename(`${path}.tmp`, path);
}

/** The log as it was written last; empty where there is none, or none that can be read. */
export async function readEvents(path: string): Promise<readonly RecordedEvent[]> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > MAX_FILE_BYTES) return [];
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return eventsFrom((value as { readonly events?: unknown } | null)?.events);
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
