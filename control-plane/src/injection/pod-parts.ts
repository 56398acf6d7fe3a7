import { isObject } from "../decode/fields.js";
import type { Path } from "../decode/path.js";
import type { Problems } from "../decode/problems.js";
import type { JsonObject } from "./json.js";

/** The parts of a pod that the injector looks at. What it does not know it leaves as it is. */
export interface PodParts {
  readonly metadata: JsonObject;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: JsonObject;
  readonly containers: readonly JsonObject[];
  readonly initContainers: readonly JsonObject[];
  readonly volumes: readonly JsonObject[];
}

/** A pod has few of each; the bound keeps what is written by hand from making work without end. */
const MAX_CONTAINERS = 100;
const MAX_VOLUMES = 1000;

/** Takes a pod, or a template of one, apart; undefined, with what is wrong, where it is none. */
export function readPodParts(pod: unknown, path: Path, problems: Problems): PodParts | undefined {
  const wrong = (at: Path, wanted: string): undefined => {
    problems.error(at, "WrongType", `is not ${wanted}`, `write ${wanted} here, as the API of Kubernetes has it`);
    return undefined;
  };
  const objectAt = (parent: JsonObject, key: string, at: Path): JsonObject | undefined => {
    const value = parent[key] ?? {};
    return isObject(value) ? (value as JsonObject) : wrong([...at, key], "an object");
  };
  const textsAt = (parent: JsonObject, key: string, at: Path): Readonly<Record<string, string>> | undefined => {
    const value = objectAt(parent, key, at);
    const notText = Object.entries(value ?? {}).find(([, text]) => typeof text !== "string");
    if (notText !== undefined) return wrong([...at, key, notText[0]], "a string");
    return value as Readonly<Record<string, string>> | undefined;
  };
  const listAt = (parent: JsonObject, key: string, at: Path, max: number): readonly JsonObject[] | undefined => {
    const value = parent[key] ?? [];
    if (!Array.isArray(value)) return wrong([...at, key], "a list");
    if (value.length > max) return wrong([...at, key], `a list of at most ${max} items`);
    const bad = value.findIndex((item) => !isObject(item) || typeof item.name !== "string");
    return bad < 0 ? (value as readonly JsonObject[]) : wrong([...at, key, bad], "an object with a name");
  };

  if (!isObject(pod)) return wrong(path, "an object");
  const root = pod as JsonObject;
  if (!isObject(root.spec)) return wrong([...path, "spec"], "an object");
  const spec = root.spec as JsonObject;
  const inSpec = [...path, "spec"];
  const metadata = objectAt(root, "metadata", path);
  const labels = metadata && textsAt(metadata, "labels", [...path, "metadata"]);
  const annotations = metadata && textsAt(metadata, "annotations", [...path, "metadata"]);
  const containers = listAt(spec, "containers", inSpec, MAX_CONTAINERS);
  const initContainers = listAt(spec, "initContainers", inSpec, MAX_CONTAINERS);
  const volumes = listAt(spec, "volumes", inSpec, MAX_VOLUMES);
  if (!metadata || !labels || !annotations || !containers || !initContainers || !volumes) return undefined;
  if (containers.length === 0) return wrong([...inSpec, "containers"], "a list of at least one container");
  return { metadata, labels, annotations, spec, containers, initContainers, volumes };
}

export function nameOf(part: JsonObject): string {
  return typeof part.name === "string" ? part.name : "";
}

export function childObject(parent: JsonObject, key: string): JsonObject | undefined {
  const value = parent[key];
  return isObject(value) ? (value as JsonObject) : undefined;
}

export function childList(parent: JsonObject, key: string): readonly JsonObject[] {
  const value = parent[key];
  return Array.isArray(value) ? (value.filter(isObject) as JsonObject[]) : [];
}
