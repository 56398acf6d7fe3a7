import type { ObjectRef } from "../model/object-ref.js";
import { isRecord, statusKey } from "../status/document.js";
import type { KubernetesApi } from "./api.js";
import { type ApiResource, objectPath } from "./api-path.js";
import { EVENT_KINDS, STATUS_KINDS } from "./status-kinds.js";

/** An object of the cluster, as far as its status is concerned. */
export interface ClusterObject {
  readonly resource: ApiResource;
  /** Of the object; its status is at `<path>/status`. */
  readonly path: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly status: Readonly<Record<string, unknown>>;
}

export type Found =
  | { readonly kind: "found"; readonly object: ClusterObject }
  /** There is none of the name, or no such kind. */
  | { readonly kind: "absent" }
  | { readonly kind: "refused"; readonly status: number; readonly message: string };

/** Finds the objects that references name; what was found is remembered until it is forgotten. */
export interface ClusterObjects {
  find(ref: ObjectRef): Promise<Found>;
  /** What an answer said of an object that was found before. */
  update(ref: ObjectRef, object: ClusterObject, body: unknown): void;
  forget(ref: ObjectRef): void;
  /** All objects of a kind. @throws KubernetesError, or Error when the API server refuses */
  list(kind: string): Promise<readonly { readonly ref: ObjectRef; readonly object: ClusterObject }[]>;
}

const PAGE = 500;
const LIST_MS = 60_000;

export function createClusterObjects(api: KubernetesApi): ClusterObjects {
  const known = new Map<string, ClusterObject>();
  /** Where objects of a kind were found, which is where the next one probably is. */
  const serving = new Map<string, ApiResource>();

  const candidates = (kind: string): readonly ApiResource[] => {
    const all = STATUS_KINDS[kind] ?? EVENT_KINDS[kind] ?? [];
    const first = serving.get(kind);
    return first === undefined ? all : [first, ...all.filter((one) => one !== first)];
  };
  return {
    async find(ref) {
      const key = statusKey(ref);
      const remembered = known.get(key);
      if (remembered !== undefined) return { kind: "found", object: remembered };
      for (const resource of candidates(ref.kind)) {
        const path = pathOf(resource, ref);
        const { status, body, message } = await api.ask({ method: "GET", path });
        if (status === 404) continue;
        if (status !== 200) return { kind: "refused", status, message };
        serving.set(ref.kind, resource);
        const object = clusterObject(resource, path, body);
        known.set(key, object);
        return { kind: "found", object };
      }
      return { kind: "absent" };
    },
    update: (ref, { resource, path }, body) => void known.set(statusKey(ref), clusterObject(resource, path, body)),
    forget: (ref) => void known.delete(statusKey(ref)),
    async list(kind) {
      const found: { readonly ref: ObjectRef; readonly object: ClusterObject }[] = [];
      const groups = new Set<string>();
      for (const resource of candidates(kind)) {
        // One version of a group shows all its objects.
        if (groups.has(resource.group)) continue;
        let next = "";
        do {
          const query = `?limit=${PAGE}${next === "" ? "" : `&continue=${encodeURIComponent(next)}`}`;
          const answer = await api.ask({ method: "GET", path: objectPath(resource) + query, timeoutMs: LIST_MS });
          if (answer.status === 404) break;
          // The list became too old while it was read: https://kubernetes.io/docs/reference/using-api/api-concepts/
          if (answer.status === 410) {
            next = "";
            found.length = 0;
            continue;
          }
          if (answer.status !== 200)
            throw new Error(`cannot list ${resource.plural}: ${answer.status} ${answer.message}`);
          groups.add(resource.group);
          serving.set(kind, resource);
          const { items, metadata } = answer.body as Readonly<Record<string, unknown>>;
          for (const item of Array.isArray(items) ? items.filter(isRecord) : []) {
            const { namespace = "", name = "" } = (item.metadata ?? {}) as Readonly<Record<string, string>>;
            const ref = { kind, namespace, name };
            const object = clusterObject(resource, pathOf(resource, ref), item);
            known.set(statusKey(ref), object);
            found.push({ ref, object });
          }
          next = isRecord(metadata) && typeof metadata.continue === "string" ? metadata.continue : "";
        } while (next !== "");
      }
      return found;
    },
  };
}

function pathOf(resource: ApiResource, { namespace, name }: ObjectRef): string {
  const collection = objectPath(resource.plural === "namespaces" ? resource : { ...resource, namespace });
  return `${collection}/${encodeURIComponent(name)}`;
}

function clusterObject(resource: ApiResource, path: string, body: unknown): ClusterObject {
  const { metadata, status } = (isRecord(body) ? body : {}) as Readonly<Record<string, unknown>>;
  const { uid, resourceVersion } = isRecord(metadata) ? metadata : {};
  return {
    resource,
    path,
    uid: typeof uid === "string" ? uid : "",
    resourceVersion: typeof resourceVersion === "string" ? resourceVersion : "",
    status: isRecord(status) ? status : {},
  };
}
