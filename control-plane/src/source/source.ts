import type { Diagnostic } from "../model/diagnostic.js";
import type { MeshObject } from "../model/mesh-object.js";
import type { ObjectRef } from "../model/object-ref.js";

/** An object is in force with this value from now on. The same value is the same object as before. */
export interface ApplyEvent {
  readonly kind: "apply";
  readonly ref: ObjectRef;
  readonly object: MeshObject;
  /** Relative to the folder; absent where the source has no files. */
  readonly file?: string;
  /** Of the object's first line, counted from one. */
  readonly line?: number;
  /** Line of a field, such as `spec.http[0]`, or of what is nearest around it. Reads the text again: for messages only. */
  readonly lineOfField?: (field: string) => number | undefined;
}

/** An object is in force no more. */
export interface DeleteEvent {
  readonly kind: "delete";
  readonly ref: ObjectRef;
}

/** All that is wrong now; it replaces the list of the event before. Sorted by file, line, object and field. */
export interface DiagnosticsEvent {
  readonly kind: "diagnostics";
  readonly diagnostics: readonly Diagnostic[];
}

/** The source has told everything that was there when it began. Once, at the end of the first batch. */
export interface ReadyEvent {
  readonly kind: "ready";
}

export type SourceEvent = ApplyEvent | DeleteEvent | DiagnosticsEvent | ReadyEvent;

/** What changed together. At most one event for an object and one with diagnostics. Never empty. */
export type SourceBatch = readonly SourceEvent[];

/** Where the mesh's objects come from. */
export interface Source {
  /**
   * Tells what is there, then every change, until the signal aborts or the consumer stops. For one consumer at a time.
   * Batches that the consumer is too slow for are merged. Throws a SourceError when there is nothing to read.
   */
  watch(signal: AbortSignal): AsyncIterable<SourceBatch>;
}

export type SourceErrorCode =
  | "folder-missing"
  | "not-a-folder"
  | "folder-unreadable"
  | "watch-failed"
  | "already-watched";

/** The source cannot be read at all. */
export class SourceError extends Error {
  override readonly name = "SourceError";
  readonly code: SourceErrorCode;

  constructor(code: SourceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
