import type { Diagnostic } from "../../model/diagnostic.js";
import type { MeshObject } from "../../model/mesh-object.js";
import { formatObjectRef } from "../../model/object-ref.js";
import type { FileReading } from "../documents.js";
import { ObjectFiles } from "../object-files.js";
import type { SourceBatch, SourceEvent } from "../source.js";
import { readingOf, readObject } from "./object-reading.js";

/**
 * What is in force of a cluster's objects. Each is to `ObjectFiles` a file with one object in it, so that what stays in
 * force while something is wrong is the same as in a folder.
 */
export class ClusterObjects {
  readonly #files = new ObjectFiles();
  readonly #onBatch: (batch: SourceBatch) => void;
  /** By `Kind namespace/name`; each is of use until the object has been read once. */
  readonly #lastGood: Map<string, MeshObject>;
  #edits = new Map<string, FileReading | "gone">();
  #general: readonly Diagnostic[] = [];
  #isScheduled = false;
  /** What was told before everything was; undefined from then on. */
  #held: SourceEvent[] | undefined = [];

  constructor(lastGood: readonly MeshObject[], onBatch: (batch: SourceBatch) => void) {
    this.#onBatch = onBatch;
    this.#lastGood = new Map(
      lastGood.map((object) => [formatObjectRef({ kind: object.kind, ...nameOf(object) }), object]),
    );
  }

  /** An object is as `raw` says. `resource` is its group and kind. */
  apply(resource: string, key: string, raw: unknown): void {
    const reading = readObject(raw);
    const file = `${resource} ${key}`;
    const ref = reading.objects[0]?.ref;
    const earlier = ref && this.#lastGood.get(formatObjectRef(ref));
    if (ref !== undefined) this.#lastGood.delete(formatObjectRef(ref));
    // Read as it was first: what is wrong with it now then has a last good value to fall back on.
    if (earlier !== undefined) this.#take(this.#files.update(new Map([[file, readingOf(earlier)]]), this.#general));
    this.#edit(file, reading);
  }

  remove(resource: string, key: string): void {
    this.#edit(`${resource} ${key}`, "gone");
  }

  /** What is wrong with no object in particular. */
  setGeneral(diagnostics: readonly Diagnostic[]): void {
    this.#general = diagnostics;
    this.#schedule();
  }

  /** Everything that is there has been told. */
  markReady(): void {
    this.#flush();
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#onBatch([...held, { kind: "ready" }]);
  }

  #edit(file: string, edit: FileReading | "gone"): void {
    this.#edits.set(file, edit);
    this.#schedule();
  }

  /** What comes together is one change. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isScheduled = false;
    const edits = this.#edits;
    this.#edits = new Map();
    this.#take(this.#files.update(edits, this.#general));
  }

  #take(events: SourceBatch): void {
    const batch = events.map(withoutFile);
    if (this.#held !== undefined) this.#held.push(...batch);
    else if (batch.length > 0) this.#onBatch(batch);
  }
}

function nameOf({ value: { namespace, name } }: MeshObject) {
  return { namespace, name };
}

/** The names of files are ours alone. */
function withoutFile(event: SourceEvent): SourceEvent {
  if (event.kind === "apply") return { kind: "apply", ref: event.ref, object: event.object };
  if (event.kind !== "diagnostics") return event;
  return { kind: "diagnostics", diagnostics: event.diagnostics.map(({ file: _, line: __, ...rest }) => rest) };
}
