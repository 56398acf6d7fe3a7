import { injectObject, type ObjectContext, type ObjectOutcome } from "@weft/control-plane/injection/inject-object";
import type { JsonValue } from "@weft/control-plane/injection/json";
import { jsonPatch } from "@weft/control-plane/injection/json-patch";
import { Document, isAlias, type ParsedNode, parseAllDocuments, visit } from "yaml";
import { ManifestError } from "./manifest-error.js";

export interface InjectedManifests {
  /** The text with what was injected; all else is as it was written, comments included. */
  readonly text: string;
  /** The objects of all documents. */
  readonly objects: readonly JsonValue[];
  readonly outcomes: readonly ObjectOutcome[];
}

/** Of one text: what kubectl takes is smaller by far. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_ALIASES = 100;

/**
 * Injects the pods of all objects in a text of YAML or JSON. `source` is named in errors.
 *
 * @throws ManifestError when it is neither
 */
export function injectManifests(text: string, source: string, context: ObjectContext): InjectedManifests {
  if (Buffer.byteLength(text) > MAX_BYTES) throw new ManifestError(`${source} has more than ${MAX_BYTES} bytes`);
  const parsed = parseAllDocuments(text);
  const documents = Array.isArray(parsed) ? parsed : [];
  const outcomes: ObjectOutcome[] = [];
  const objects: JsonValue[] = [];
  let written = "";
  let end = 0;
  for (const document of documents) {
    const [error] = document.errors;
    if (error !== undefined) throw new ManifestError(`${source}: ${error.message}`);
    const [from, , to] = document.range;
    const before = valueOf(document, source);
    const injection = injectObject(before, context);
    outcomes.push(...injection.outcomes);
    if (injection.object !== null) objects.push(injection.object);
    const isInjected = injection.outcomes.some(({ result }) => result === "injected");
    // Of a document that is written anew, comments that stand before it are written too.
    written += isInjected ? edited(document, before, injection.object) : text.slice(end, from) + text.slice(from, to);
    end = to;
  }
  return { text: written + text.slice(end), objects, outcomes };
}

function valueOf(document: Document.Parsed<ParsedNode, true>, source: string): JsonValue {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) ?? null;
  } catch (error) {
    throw new ManifestError(`${source}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What changed is written into the document, so that its comments stay; where parts of it are shared, all is new. */
function edited(document: Document.Parsed<ParsedNode, true>, before: JsonValue, after: JsonValue): string {
  let isShared = false;
  visit(document, (_key, node) => {
    isShared ||= isAlias(node);
  });
  if (isShared) return `---\n${new Document(after, { aliasDuplicateObjects: false }).toString({ lineWidth: 0 })}`;
  for (const change of jsonPatch(before, after)) {
    const path = change.path
      .split("/")
      .slice(1)
      .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
    if (change.op === "remove") document.deleteIn(path);
    else document.setIn(path, document.createNode(change.value, { aliasDuplicateObjects: false }));
  }
  return document.toString({ lineWidth: 0 });
}
