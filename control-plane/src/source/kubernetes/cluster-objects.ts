import { sortedEntries } from "../../model/compare.js";
import type { Diagnostic } from "../../model/diagnostic.js";
import type { MeshObject } from "../../model/mesh-object.js";
import { formatObjectRef, type ObjectRef } from "../../model/object-ref.js";
import type { FileReading } from "../documents.js";
import { ObjectFiles } from "../object-files.js";
import type { SourceBatch, SourceEvent } from "../source.js";
import { namedSecrets } from "./named-secrets.js";
import { readingOf, readObject } from "./object-reading.js";

/**
 * What is in force of a cluster's objects. Each is to `ObjectFiles` a file with one object in it, so that what stays in
 * force while something is wrong is the same as in a folder.
 */
export class ClusterObjects {
  readonly #files = new ObjectFiles();
  readonly #onBatch: (batch: SourceBatch) => void;
  readonly #onSecrets: () => void;
  /** By `Kind namespace/name`; each is of use until the object has been read once. */
  readonly #lastGood: Map<string, MeshObject>;
  #edits = new Map<string, FileReading | "gone">();
  /** By file, of objects that name any. */
  readonly #secrets = new Map<string, { readonly ref: ObjectRef; readonly names: readonly string[] }>();
  #general: readonly Diagnostic[] = [];
  #isScheduled = false;
  /** What was told before everything was; undefined from then on. */
  #held: SourceEvent[] | undefined = [];

  /** @param onSecrets is called when `secrets` are others than before */
  constructor(lastGood: readonly MeshObject[], onBatch: (batch: SourceBatch) => void, onSecrets: () => void) {
    this.#onBatch = onBatch;
    this.#onSecrets = onSecrets;
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
    if (earlier !== undefined) {
      this.#noteSecrets(file, earlier);
      this.#take(this.#files.update(new Map([[file, readingOf(earlier)]]), this.#general));
    }
    // One that is wrong now has the Secrets of its last good value.
    const object = reading.objects[0]?.object;
    if (object !== undefined) this.#noteSecrets(file, object);
    this.#edit(file, reading);
  }

  remove(resource: string, key: string): void {
    const file = `${resource} ${key}`;
    if (this.#secrets.delete(file)) this.#onSecrets();
    this.#edit(file, "gone");
  }

  /** The Secrets that objects name, by `<namespace>/<name>`, with those objects. */
  get secrets(): ReadonlyMap<string, readonly ObjectRef[]> {
    const all = new Map<string, ObjectRef[]>();
    for (const [, { ref, names }] of sortedEntries(this.#secrets))
      for (const name of names) all.set(name, [...(all.get(name) ?? []), ref]);
    return all;
  }

  #noteSecrets(file: string, object: MeshObject): void {
    const names = namedSecrets(object);
    const before = this.#secrets.get(file)?.names ?? [];
    if (names.join() === before.join()) return;
    if (names.length === 0) this.#secrets.delete(file);
    else this.#secrets.set(file, { ref: { kind: object.kind, ...nameOf(object) }, names });
    this.#onSecrets();
  }

  /** What is wrong with no object in particular. */
  setGeneral(diagnostics: readonly Diagnostic[]): void {
    if (JSON.stringify(diagnostics) === JSON.stringify(this.#general)) return;
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
