import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { MeshObject } from "../model/mesh-object.js";
import type { VirtualService } from "../model/virtual-service.js";
import type { FileReading } from "./documents.js";
import { isStandIn } from "./object-files.js";

/** What was in force, kept so that a restart while something is broken takes nothing away. */
export interface InForceRecord {
  readonly objects: readonly { readonly file: string; readonly line: number; readonly object: MeshObject }[];
  /** Those whose references held; the object of the file may be a later one whose references do not. */
  readonly virtualServices: readonly VirtualService[];
}

/** Changes when the model does: a record of another shape is of no use. */
const FORMAT = 2;

/** The record of the last run; undefined when there is none that can be used. */
export async function readInForce(path: string): Promise<InForceRecord | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const value = JSON.parse(text) as Partial<InForceRecord> & { readonly format?: unknown };
    const { format, objects, virtualServices } = value;
    if (format === FORMAT && Array.isArray(objects) && Array.isArray(virtualServices))
      return { objects, virtualServices };
  } catch {
    // Cut off while it was written. Then the files of the folder say all there is.
  }
  return undefined;
}

/** Replaces the record at once, so that a reader never sees half of one. */
export async function writeInForce(path: string, record: InForceRecord): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.tmp`, JSON.stringify({ format: FORMAT, ...record }), { mode: 0o600 });
  await rename(`${path}.tmp`, path);
}

/** The record as readings of the files that the objects came from: what the files said last when they were right. */
export function readingsOf({ objects }: InForceRecord): ReadonlyMap<string, FileReading> {
  const readings = new Map<string, FileReading & { objects: FileReading["objects"][number][] }>();
  for (const { file, line, object } of objects) {
    const reading = readings.get(file) ?? { parsed: true, complete: true, objects: [], diagnostics: [] };
    const { namespace, name } = object.value;
    reading.objects.push({
      ref: { kind: object.kind, namespace, name },
      line,
      ...(isStandIn(object) ? { standIn: object } : { object }),
      lineOfField: () => undefined,
    });
    readings.set(file, reading);
  }
  return readings;
}
