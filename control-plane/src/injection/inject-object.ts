import { isObject } from "../decode/fields.js";
import type { Path } from "../decode/path.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { ObjectRef } from "../model/object-ref.js";
import { inject } from "./inject.js";
import type { InjectionSettings } from "./injection-settings.js";
import type { JsonObject, JsonValue } from "./json.js";

/** Where the pod is in an object of a kind; empty: the object is one. */
const POD_PATHS: Readonly<Record<string, Path>> = {
  Pod: [],
  PodTemplate: ["template"],
  ReplicationController: ["spec", "template"],
  Deployment: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};

/** API groups of these kinds: others have kinds of the same names. */
const GROUPS: readonly string[] = ["", "apps", "batch"];

export interface ObjectInjection {
  /** What became of each object; a list has many. Those without pods are not among them. */
  readonly outcomes: readonly ObjectOutcome[];
  /** The same object where nothing was injected. */
  readonly object: JsonValue;
}

export interface ObjectOutcome {
  readonly ref: ObjectRef;
  readonly result: "injected" | "skipped" | "refused";
  /** Of one that was skipped. */
  readonly reason?: string;
  /** Errors of one that was refused, else warnings. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface ObjectContext {
  readonly settings: InjectionSettings;
  /** Of objects that do not say theirs. */
  readonly namespace: string;
  /** Makes a random token, for each pod another one. */
  readonly createToken: () => string;
}

/** Injects the pods of an object of any kind: those that have templates, and lists of objects. */
export function injectObject(object: JsonValue, context: ObjectContext): ObjectInjection {
  if (!isObject(object)) return { outcomes: [], object };
  const known = object as JsonObject;
  const kind = typeof known.kind === "string" ? known.kind : "";
  if (kind.endsWith("List") && Array.isArray(known.items)) {
    const items = known.items.map((item) => injectObject(withKind(item, kind), context));
    const outcomes = items.flatMap((item) => item.outcomes);
    if (!outcomes.some(({ result }) => result === "injected")) return { outcomes, object };
    return { outcomes, object: { ...known, items: items.map((item) => item.object) } };
  }
  const version = typeof known.apiVersion === "string" ? known.apiVersion : "";
  const group = version.includes("/") ? version.slice(0, version.indexOf("/")) : "";
  const path = Object.hasOwn(POD_PATHS, kind) && GROUPS.includes(group) ? POD_PATHS[kind] : undefined;
  return path === undefined ? { outcomes: [], object } : injectAt(known, path, { ...context, kind });
}

/** Items of a `DeploymentList` need not say that they are Deployments. */
function withKind(item: JsonValue, listKind: string): JsonValue {
  const kind = listKind.slice(0, -"List".length);
  return isObject(item) && item.kind === undefined && kind !== "" ? { ...(item as JsonObject), kind } : item;
}

function injectAt(object: JsonObject, path: Path, context: ObjectContext & { readonly kind: string }): ObjectInjection {
  const { settings, kind } = context;
  const metadata = isObject(object.metadata) ? object.metadata : {};
  const text = (value: unknown, otherwise: string) => (typeof value === "string" && value !== "" ? value : otherwise);
  const namespace = text(metadata.namespace, context.namespace);
  const ref = { kind, namespace, name: text(metadata.name, text(metadata.generateName, "")) };
  const injection = inject(valueAt(object, path), {
    ...{ settings, namespace, path, object: ref },
    token: context.createToken(),
  });
  switch (injection.kind) {
    case "injected": {
      const outcome = { ref, result: "injected", diagnostics: injection.warnings } as const;
      return { outcomes: [outcome], object: replaced(object, path, injection.pod) };
    }
    case "skipped": {
      const { reason, warnings } = injection;
      return { outcomes: [{ ref, result: "skipped", reason, diagnostics: warnings }], object };
    }
    case "refused":
      return { outcomes: [{ ref, result: "refused", diagnostics: injection.diagnostics }], object };
    default:
      return injection satisfies never;
  }
}

function valueAt(object: JsonValue | undefined, path: Path): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>(
    (value, key) => (isObject(value) ? (value as JsonObject)[key] : undefined),
    object,
  );
}

function replaced(object: JsonObject, [key, ...rest]: Path, value: JsonObject): JsonObject {
  if (key === undefined) return value;
  const inner = object[key];
  return {
    ...object,
    [key]: rest.length === 0 ? value : replaced(isObject(inner) ? (inner as JsonObject) : {}, rest, value),
  };
}
