import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type YAMLError,
} from "yaml";
import { decodeObject } from "../decode/decode.js";
import { type Path, parsePath } from "../decode/path.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { MeshObject } from "../model/mesh-object.js";
import type { ObjectRef } from "../model/object-ref.js";

/** An object of a kind that the mesh knows, as a file has it. */
export interface FileObject {
  readonly ref: ObjectRef;
  readonly line: number;
  /** Absent when the object is wrong; the diagnostics say why. */
  readonly object?: MeshObject;
  /** What is in force as long as there was no right one; absent: nothing. */
  readonly standIn?: MeshObject;
  readonly lineOfField: (field: string) => number | undefined;
}

/** What was found in a file. */
export interface FileReading {
  /** False when the text is no YAML; then nothing is known of its objects. */
  readonly parsed: boolean;
  /** Whether it is known of every document which object it is. */
  readonly complete: boolean;
  /** In the order of the file. */
  readonly objects: readonly FileObject[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface DocumentLimits {
  readonly maxFileBytes: number;
  readonly maxDocuments: number;
}

export interface DocumentOptions {
  readonly standalone: boolean;
  readonly limits: DocumentLimits;
}

const MAX_SYNTAX_ERRORS = 10;
const MAX_ALIASES = 100;

/** A reading of a file of which nothing can be said but what is wrong with it. */
export function unreadable(diagnostic: Diagnostic): FileReading {
  return { parsed: false, complete: false, objects: [], diagnostics: [diagnostic] };
}

/** Reads the objects of a YAML text with any number of documents. */
export function readDocuments(text: string, file: string, options: DocumentOptions): FileReading {
  const { maxFileBytes, maxDocuments } = options.limits;
  const bytes = Buffer.byteLength(text);
  if (bytes > maxFileBytes) return unreadable(tooLarge(file, `has ${bytes} bytes`, maxFileBytes, "bytes"));
  const parsed = parse(text);
  if (parsed instanceof Error) return unreadable(syntaxError(file, 1, parsed.message));
  const { documents, lines } = parsed;
  if (documents.length > maxDocuments)
    return unreadable(tooLarge(file, `has ${documents.length} documents`, maxDocuments, "documents"));
  const errors = documents.flatMap((document) => document.errors);
  if (errors.length > 0) {
    const shown = errors.slice(0, MAX_SYNTAX_ERRORS);
    const diagnostics = shown.map((error) => syntaxError(file, lineAt(lines, error.pos[0]), firstLine(error)));
    return { parsed: false, complete: false, objects: [], diagnostics };
  }
  return decodeDocuments(text, file, options, parsed);
}

interface Parsed {
  readonly documents: readonly Document[];
  readonly lines: LineCounter;
}

function parse(text: string): Parsed | Error {
  const lines = new LineCounter();
  try {
    // Merge keys are no part of YAML 1.2, but kubectl reads them.
    const options = {
      lineCounter: lines,
      prettyErrors: false,
      merge: true,
      stringKeys: true,
      logLevel: "error",
    } as const;
    const documents = parseAllDocuments(text, options);
    return { documents: Array.isArray(documents) ? documents : [], lines };
  } catch (error) {
    // The parser is recursive: text that is nested deeply enough ends its stack.
    if (error instanceof RangeError) return new Error("it is nested too deeply");
    return error instanceof Error ? error : new Error(String(error));
  }
}

function decodeDocuments(text: string, file: string, { standalone }: DocumentOptions, parsed: Parsed): FileReading {
  const objects: FileObject[] = [];
  const diagnostics: Diagnostic[] = [];
  let complete = true;
  const trees = rememberParse(text);
  parsed.documents.forEach((document, position) => {
    if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) return;
    const lineOf = (path: Path) => lineAt(parsed.lines, offsetOf(document, path));
    for (const warning of document.warnings)
      diagnostics.push({
        ...syntaxError(file, lineAt(parsed.lines, warning.pos[0]), firstLine(warning)),
        severity: "warning",
      });
    const raw = toValue(document);
    if (raw instanceof Error) {
      complete = false;
      diagnostics.push(syntaxError(file, lineOf([]), raw.message));
      return;
    }
    const result = decodeObject(raw, { file, lineOf, standalone });
    diagnostics.push(...(result.ok ? result.warnings : result.diagnostics));
    if (result.ref === undefined) {
      if (!result.ok && result.diagnostics.some(({ severity }) => severity === "error")) complete = false;
      return;
    }
    const lineOfField = memoised((field: string) => findLine(trees(), position, field));
    const found = result.ok ? { object: result.object } : result.standIn && { standIn: result.standIn };
    objects.push({ ref: result.ref, line: lineOf([]), lineOfField, ...found });
  });
  return { parsed: true, complete, objects, diagnostics };
}

function toValue(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/**
 * Keeping the syntax tree of every file would cost more than reading the one again that a message is about. But there may
 * be a message for each object of a file: until nobody needs the tree any more they share it.
 */
function rememberParse(text: string): () => Parsed | Error {
  let last: WeakRef<Parsed | Error> | undefined;
  return () => {
    const parsed = last?.deref() ?? parse(text);
    last = new WeakRef(parsed);
    return parsed;
  };
}

function memoised<T>(find: (key: string) => T): (key: string) => T {
  const found = new Map<string, T>();
  return (key) => {
    if (!found.has(key)) found.set(key, find(key));
    return found.get(key) as T;
  };
}

function findLine(parsed: Parsed | Error, position: number, field: string): number | undefined {
  const path = parsePath(field);
  if (path === undefined || parsed instanceof Error) return undefined;
  const document = parsed.documents[position];
  return document === undefined ? undefined : lineAt(parsed.lines, offsetOf(document, path));
}

/** Where the deepest part of the path that is there begins. */
function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const part of path) {
    if (isAlias(node)) break;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
      if (pair === undefined) break;
      if (isNode(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === "number") {
      node = node.items[part];
      if (!isNode(node)) break;
      offset = node.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}

function lineAt(lines: LineCounter, offset: number): number {
  return Math.max(1, lines.linePos(offset).line);
}

function firstLine(error: YAMLError): string {
  return error.message.split("\n", 1)[0] ?? error.message;
}

function syntaxError(file: string, line: number, message: string): Diagnostic {
  const hint = "correct the YAML; until then what the file said before stays in force";
  return { severity: "error", reason: "SyntaxError", message, hint, file, line };
}

function tooLarge(file: string, what: string, limit: number, unit: string): Diagnostic {
  return {
    severity: "error",
    reason: "TooLarge",
    message: what,
    hint: `split the file; at most ${limit} ${unit} are read`,
    file,
  };
}
