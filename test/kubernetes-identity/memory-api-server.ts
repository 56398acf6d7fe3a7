import { setImmediate } from "node:timers/promises";
import type { ApiObject, ApiServer } from "../../control-plane/src/identity/kubernetes/api-server.js";

/** Keeps objects as an API server does as far as versions matter; answers a little later, so that callers overlap. */
export function createMemoryApiServer(): ApiServer & {
  readonly objects: Map<string, ApiObject>;
  /** Whatever the version. */
  put(path: string, object: object): void;
  remove(path: string): void;
} {
  const objects = new Map<string, ApiObject>();
  const followers = new Set<{ path: string; onObject: (object: ApiObject) => void }>();
  let version = 0;
  const store = (path: string, object: ApiObject): ApiObject => {
    version += 1;
    const stored = structuredClone({ ...object, metadata: { ...object.metadata, resourceVersion: String(version) } });
    objects.set(path, stored);
    for (const follower of followers) if (isIn(path, follower.path)) follower.onObject(stored);
    return structuredClone(stored);
  };
  return {
    objects,
    put: (path, object) => void store(path, object as ApiObject),
    remove: (path) => void objects.delete(path),
    async read(path) {
      await setImmediate();
      return structuredClone(objects.get(path));
    },
    async create(path, object) {
      await setImmediate();
      const key = `${path}/${(object as ApiObject).metadata.name}`;
      return objects.has(key) ? undefined : store(key, object as ApiObject);
    },
    async replace(path, object) {
      await setImmediate();
      const key = path.replace(/\/status$/, "");
      const isCurrent = objects.get(key)?.metadata.resourceVersion === object.metadata.resourceVersion;
      return isCurrent && objects.has(key) ? store(key, object) : undefined;
    },
    async follow(path, { signal }, onObject) {
      const follower = { path, onObject };
      for (const [key, object] of objects) if (isIn(key, path)) onObject(object);
      followers.add(follower);
      await new Promise((done) => signal.addEventListener("abort", done, { once: true }));
      followers.delete(follower);
    },
  };
}

/** Whether an object is of a collection, in one namespace or in all. */
function isIn(object: string, collection: string): boolean {
  return [object, object.replace(/\/namespaces\/[^/]+/, "")].some((path) => path.startsWith(`${collection}/`));
}
