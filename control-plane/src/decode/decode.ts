import type { Diagnostic } from "../model/diagnostic.js";
import type { MeshObject } from "../model/mesh-object.js";
import type { ObjectRef } from "../model/object-ref.js";
import { child, type Field, isObject, readObject, refuse, show } from "./fields.js";
import { apiVersionsOf, KINDS, type KindDefinition } from "./kinds.js";
import { DEFAULT_NAMESPACE, readMetadata } from "./metadata.js";
import { readDnsLabel, readDnsSubdomain } from "./names.js";
import { nearest } from "./nearest.js";
import { createProblems, type Origin } from "./problems.js";

/** What an object's text cannot say of itself. */
export interface DecodeContext extends Origin {
  /** No cluster: `file://` modules are allowed, and generations are hashes. Default false. */
  readonly standalone?: boolean;
}

export type DecodeResult =
  | {
      readonly ok: true;
      readonly ref: ObjectRef;
      readonly object: MeshObject;
      readonly warnings: readonly Diagnostic[];
    }
  | {
      readonly ok: false;
      /** Absent when the text does not say which object of a known kind it is. */
      readonly ref?: ObjectRef;
      /** What is in force in its place as long as it never was right; absent: nothing. */
      readonly standIn?: MeshObject;
      /** Without an error among them the object is of a kind that the mesh leaves alone. */
      readonly diagnostics: readonly Diagnostic[];
    };

/** Decodes one API object, as YAML or JSON gave it. Never throws; all that is wrong with the object is reported. */
export function decodeObject(raw: unknown, context: DecodeContext = {}): DecodeResult {
  const head = readHead(raw);
  const problems = createProblems(head.subject, context);
  const field: Field = { value: raw, path: [], problems };
  const definition = findKind(field, head, context.standalone ?? false);
  const ref = definition === undefined ? undefined : refOf(head, definition.kind);
  const object = definition?.accepted ? readKind(field, definition.kind, context.standalone ?? false) : undefined;
  if (object !== undefined && ref !== undefined && !problems.hasErrors)
    return { ok: true, ref, object, warnings: problems.list };
  const standIn = ref && definition?.kind.standIn?.(raw);
  return {
    ok: false,
    ...(ref !== undefined && { ref }),
    ...(standIn !== undefined && { standIn }),
    diagnostics: problems.list,
  };
}

function readKind(field: Field, definition: KindDefinition, standalone: boolean): MeshObject | undefined {
  return readObject((fields) => {
    fields.ignore(["apiVersion", "kind", "status"]);
    const metadata = readMetadata(fields) ?? { namespace: DEFAULT_NAMESPACE, name: "", labels: {}, annotations: {} };
    const read = definition.read(metadata, standalone);
    if (definition.whole) {
      fields.ignore(isObject(field.value) ? Object.keys(field.value) : []);
      return read(field);
    }
    if (definition.withoutSpec) {
      const { apiVersion: _, kind: __, metadata: ___, status: ____, ...own } = isObject(field.value) ? field.value : {};
      fields.ignore(Object.keys(own));
      return read({ ...field, value: own });
    }
    if (definition.specOptional && !fields.has("spec")) {
      fields.ignore(["spec"]);
      return read(child(field, "spec", {}));
    }
    return fields.required("spec", read);
  })(field);
}

/** What an object says of itself before it is known to be right. */
interface Head {
  readonly apiVersion?: string;
  readonly kind?: string;
  /** For diagnostics: named as it is written. */
  readonly subject?: ObjectRef;
  /** The object's name, when it is a valid one. */
  readonly ref?: ObjectRef;
}

function readHead(raw: unknown): Head {
  if (!isObject(raw)) return {};
  const apiVersion = typeof raw.apiVersion === "string" ? raw.apiVersion : undefined;
  const kind = typeof raw.kind === "string" ? raw.kind.slice(0, 253) : undefined;
  const metadata = isObject(raw.metadata) ? raw.metadata : {};
  const name = metadata.name;
  const namespace = metadata.namespace ?? DEFAULT_NAMESPACE;
  if (kind === undefined || typeof name !== "string" || name === "" || typeof namespace !== "string")
    return { ...(apiVersion !== undefined && { apiVersion }), ...(kind !== undefined && { kind }) };
  const subject = { kind, namespace: namespace.slice(0, 253), name: name.slice(0, 253) };
  const scratch = createProblems(undefined);
  readDnsSubdomain({ value: name, path: [], problems: scratch });
  readDnsLabel({ value: namespace, path: [], problems: scratch });
  return {
    ...(apiVersion !== undefined && { apiVersion }),
    kind,
    subject,
    ...(!scratch.hasErrors && { ref: subject }),
  };
}

function refOf({ ref }: Head, { withoutNamespace }: KindDefinition): ObjectRef | undefined {
  return ref && withoutNamespace ? { ...ref, namespace: "" } : ref;
}

interface FoundKind {
  readonly kind: KindDefinition;
  /** False when only the version is not one that the mesh reads. */
  readonly accepted: boolean;
}

function findKind(field: Field, { apiVersion, kind }: Head, standalone: boolean): FoundKind | undefined {
  if (!isObject(field.value))
    return refuse(
      field,
      "NotAnObject",
      `is ${show(field.value)}`,
      "write an object with apiVersion, kind, metadata and spec",
    );
  if (apiVersion === undefined || kind === undefined) {
    const hint = "write apiVersion and kind as Kubernetes does, for example apiVersion: v1 and kind: Service";
    if (apiVersion === undefined)
      refuse(child(field, "apiVersion", undefined), "MissingField", "is missing or no string", hint);
    if (kind === undefined) refuse(child(field, "kind", undefined), "MissingField", "is missing or no string", hint);
    return undefined;
  }
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  const version = apiVersion.slice(group === "" ? 0 : group.length + 1);
  const kinds = standalone ? KINDS.filter(({ clusterOnly }) => !clusterOnly) : KINDS;
  const definition = kinds.find((candidate) => candidate.kind === kind && candidate.group === group);
  if (definition?.versions.includes(version)) return { kind: definition, accepted: true };
  if (definition !== undefined) {
    const hint = `use ${apiVersionsOf(definition).join(" or ")}`;
    refuse(child(field, "apiVersion", apiVersion), "UnsupportedVersion", `is ${show(apiVersion)}`, hint);
    return { kind: definition, accepted: false };
  }
  return reportUnknownKind(field, kinds, { apiVersion, group, kind });
}

/** A slip of the pen is an error; a kind that is somebody else's is only named. */
function reportUnknownKind(
  field: Field,
  kinds: readonly KindDefinition[],
  { apiVersion, group, kind }: { readonly apiVersion: string; readonly group: string; readonly kind: string },
): undefined {
  const ofGroup = kinds.filter((candidate) => candidate.group === group).map((candidate) => candidate.kind);
  const nearKind = nearest(kind, ofGroup);
  if (nearKind !== undefined)
    return refuse(child(field, "kind", kind), "UnknownKind", `is ${show(kind)}`, `did you mean ${nearKind}?`);
  const nearVersion = nearest(apiVersion, kinds.filter((candidate) => candidate.kind === kind).flatMap(apiVersionsOf));
  if (nearVersion !== undefined && group !== "")
    return refuse(
      child(field, "apiVersion", apiVersion),
      "UnknownApiVersion",
      `is ${show(apiVersion)}`,
      `did you mean ${nearVersion}?`,
    );
  // Whoever writes a policy believes to be protected by it.
  if (group === "security.istio.io")
    return refuse(
      child(field, "kind", kind),
      "UnsupportedKind",
      `is ${kind}, a policy that the mesh does not enforce yet`,
      "do not rely on it: protect the workload by other means, and remove the object",
    );
  const supported = [...new Set(kinds.map((candidate) => candidate.kind))].join(", ");
  field.problems.warning(
    ["kind"],
    "UnsupportedKind",
    `${kind} of ${apiVersion} is not a kind that the mesh reads; it is left alone`,
    `nothing, if that is meant; the mesh reads ${supported}`,
  );
  return undefined;
}
