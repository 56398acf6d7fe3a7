import { canonicalJson, compareStrings } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { MeshObject } from "../model/mesh-object.js";
import { formatObjectRef, type ObjectRef } from "../model/object-ref.js";
import { compareDiagnostics } from "./diagnostic-order.js";
import type { FileObject, FileReading } from "./documents.js";
import type { ApplyEvent, SourceBatch, SourceEvent } from "./source.js";

/** What a file says now; `gone` when there is no such file any more. */
export type FileEdits = ReadonlyMap<string, FileReading | "gone">;

/** A file's say in what an object is. Without a value it never was right in this file. */
type Claim = FileObject & { readonly file: string };

interface InForce {
  readonly file: string;
  readonly line: number;
  readonly ref: ObjectRef;
  readonly object: MeshObject;
}

/**
 * Which objects are in force, given what files say of them. What is in force stays until something valid replaces it or
 * no file names it any more; of several files that define an object the one in force stays, else the first by name wins.
 */
export class ObjectFiles {
  /** File → object → claim. */
  readonly #files = new Map<string, Map<string, Claim>>();
  /** Object → file → claim. */
  readonly #claims = new Map<string, Map<string, Claim>>();
  readonly #inForce = new Map<string, InForce>();
  /** Only of files that have any. */
  readonly #diagnostics = new Map<string, readonly Diagnostic[]>();
  /** Objects with more than one claim. */
  readonly #contested = new Set<string>();
  #told: string | undefined;

  /** Whether the edit would take away an object that this file holds. */
  loses(file: string, edit: FileReading | "gone"): boolean {
    const old = this.#files.get(file);
    if (old === undefined) return false;
    if (edit === "gone") return old.size > 0;
    if (!edit.parsed || !edit.complete) return false;
    const keys = new Set(edit.objects.map(({ ref }) => formatObjectRef(ref)));
    return [...old.keys()].some((key) => !keys.has(key));
  }

  has(file: string): boolean {
    return this.#files.has(file);
  }

  get count(): number {
    return this.#files.size;
  }

  get files(): readonly string[] {
    return [...this.#files.keys()];
  }

  /** Takes in what changed, and tells what follows from it. `general` is what is wrong with no file in particular. */
  update(edits: FileEdits, general: readonly Diagnostic[] = []): SourceBatch {
    const touched = new Set<string>();
    for (const [file, edit] of [...edits].sort(([a], [b]) => compareStrings(a, b))) {
      for (const key of this.#files.get(file)?.keys() ?? []) touched.add(key);
      this.#take(file, edit);
      for (const key of this.#files.get(file)?.keys() ?? []) touched.add(key);
    }
    const events: SourceEvent[] = [];
    for (const key of [...touched].sort(compareStrings)) {
      const event = this.#resolve(key);
      if (event !== undefined) events.push(event);
    }
    const diagnostics = this.#allDiagnostics(general);
    const told = JSON.stringify(diagnostics);
    if (told !== this.#told) events.push({ kind: "diagnostics", diagnostics });
    this.#told = told;
    return events;
  }

  #take(file: string, edit: FileReading | "gone"): void {
    const old = this.#files.get(file) ?? new Map<string, Claim>();
    if (edit === "gone") {
      for (const key of old.keys()) this.#setClaim(key, file, undefined);
      this.#files.delete(file);
      this.#diagnostics.delete(file);
      return;
    }
    const diagnostics = [...edit.diagnostics];
    const next = edit.parsed ? claimsOf(file, edit, old, diagnostics) : old;
    for (const key of old.keys()) if (!next.has(key)) this.#setClaim(key, file, undefined);
    for (const [key, claim] of next) this.#setClaim(key, file, claim);
    this.#files.set(file, next);
    if (diagnostics.length > 0) this.#diagnostics.set(file, diagnostics);
    else this.#diagnostics.delete(file);
  }

  #setClaim(key: string, file: string, claim: Claim | undefined): void {
    const claims = this.#claims.get(key) ?? new Map<string, Claim>();
    if (claim === undefined) claims.delete(file);
    else claims.set(file, claim);
    if (claims.size === 0) this.#claims.delete(key);
    else this.#claims.set(key, claims);
    if (claims.size > 1) this.#contested.add(key);
    else this.#contested.delete(key);
  }

  #resolve(key: string): SourceEvent | undefined {
    const before = this.#inForce.get(key);
    const claims = this.#claimsInOrder(key);
    const [first] = claims;
    if (first === undefined) {
      if (before === undefined) return undefined;
      this.#inForce.delete(key);
      return { kind: "delete", ref: before.ref };
    }
    const valid = claims.filter(({ object }) => object !== undefined);
    const owner = valid.find(({ file }) => file === before?.file) ?? valid[0] ?? first;
    // An object that moved to another file and is wrong there keeps the value that it had.
    const object =
      keepIdentity(isStandIn(before?.object) ? undefined : before?.object, owner.object) ??
      keepIdentity(before?.object, owner.standIn);
    if (object === undefined) return undefined;
    const { ref, file, line, lineOfField } = owner;
    this.#inForce.set(key, { ref, object, file, line });
    if (before?.object === object && before.file === file && before.line === line) return undefined;
    return { kind: "apply", ref, object, file, line, lineOfField } satisfies ApplyEvent;
  }

  #claimsInOrder(key: string): Claim[] {
    return [...(this.#claims.get(key)?.values() ?? [])].sort((a, b) => compareStrings(a.file, b.file));
  }

  #allDiagnostics(general: readonly Diagnostic[]): readonly Diagnostic[] {
    const duplicates = [...this.#contested].flatMap((key) => this.#duplicates(key));
    return [...general, ...[...this.#diagnostics.values()].flat(), ...duplicates].sort(compareDiagnostics);
  }

  #duplicates(key: string): Diagnostic[] {
    const claims = this.#claimsInOrder(key);
    const owner = claims.find(({ file }) => file === this.#inForce.get(key)?.file) ?? claims[0];
    if (owner === undefined) return [];
    return claims.filter((claim) => claim !== owner).map((claim) => duplicate(claim, owner));
  }
}

/** The claims of a reading, with what is to be kept of the old ones. */
function claimsOf(
  file: string,
  reading: FileReading,
  old: ReadonlyMap<string, Claim>,
  diagnostics: Diagnostic[],
): Map<string, Claim> {
  const claims = new Map<string, Claim>();
  for (const found of reading.objects) {
    const key = formatObjectRef(found.ref);
    const earlier = claims.get(key);
    if (earlier !== undefined) {
      diagnostics.push(duplicate({ ...found, file }, earlier));
      continue;
    }
    const object = keepIdentity(old.get(key)?.object, found.object);
    claims.set(key, { ...found, file, ...(object !== undefined && { object }) });
  }
  // A document that does not say which object it is may be any of those that are missing.
  if (!reading.complete) for (const [key, claim] of old) if (!claims.has(key)) claims.set(key, claim);
  return claims;
}

/** Whether the object only stands for one that never was right. */
export function isStandIn(object: MeshObject | undefined): boolean {
  return object?.kind === "AuthorizationPolicy" && object.value.standIn === true;
}

/** The new value, or the old one if there is no new one or it is equal: then a comparison by identity finds no change. */
function keepIdentity(old: MeshObject | undefined, next: MeshObject | undefined): MeshObject | undefined {
  if (old === undefined || next === undefined) return next ?? old;
  return canonicalJson(old) === canonicalJson(next) ? old : next;
}

function duplicate(claim: Claim, owner: Claim): Diagnostic {
  return {
    severity: "error",
    reason: "DuplicateObject",
    message: `is defined in ${claim.file}:${claim.line} and in ${owner.file}:${owner.line}; the latter is in force`,
    hint: "remove one of them",
    object: claim.ref,
    file: claim.file,
    line: claim.line,
  };
}
