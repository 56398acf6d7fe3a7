import { decodeObject } from "../../decode/decode.js";
import type { MeshObject } from "../../model/mesh-object.js";
import type { ObjectRef } from "../../model/object-ref.js";
import type { FileReading } from "../documents.js";
import { isStandIn } from "../object-files.js";

/** What an object of the API server says. Nothing of the object itself is kept, only what was decoded. */
export function readObject(raw: unknown): FileReading {
  const result = decodeObject(raw);
  const diagnostics = result.ok ? result.warnings : result.diagnostics;
  if (result.ref === undefined) return { parsed: true, complete: false, objects: [], diagnostics };
  const found = result.ok ? { object: result.object } : result.standIn && { standIn: result.standIn };
  return { parsed: true, complete: true, objects: [{ ...place(result.ref), ...found }], diagnostics };
}

/** The reading that an earlier run had of an object, when it was right. */
export function readingOf(object: MeshObject): FileReading {
  const { namespace, name } = object.value;
  const found = isStandIn(object) ? { standIn: object } : { object };
  const objects = [{ ...place({ kind: object.kind, namespace, name }), ...found }];
  return { parsed: true, complete: true, objects, diagnostics: [] };
}

/** An object of the API server has no lines. */
function place(ref: ObjectRef) {
  return { ref, line: 1, lineOfField: () => undefined };
}
