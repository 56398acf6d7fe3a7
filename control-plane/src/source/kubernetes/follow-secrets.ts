import { KubernetesApiError } from "../../kubernetes/api-error.js";
import type { KubernetesReader } from "../../kubernetes/reader.js";
import type { Diagnostic } from "../../model/diagnostic.js";
import type { ObjectRef } from "../../model/object-ref.js";
import type { ClusterObjects } from "./cluster-objects.js";
import { isKubeObject } from "./kube-object.js";

export interface FollowSecretsOptions {
  readonly api: KubernetesReader;
  readonly objects: ClusterObjects;
  readonly signal: AbortSignal;
  readonly onProblem: (message: string) => void;
  /** Every Secret that is wanted has been asked for. Called whenever that has come to be so. */
  readonly onSettled: () => void;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Between two looks at the same Secret. */
  readonly intervalMs: number;
}

/** Secrets that objects name. No other is ever asked for. */
export interface FollowedSecrets {
  /** By `<namespace>/<name>` the objects that name it. What is not among them any more is forgotten. */
  want(secrets: ReadonlyMap<string, readonly ObjectRef[]>): void;
  readonly isSettled: boolean;
  readonly done: Promise<void>;
}

const RESOURCE = "Secret";
const TIMEOUT_MS = 10_000;

/**
 * Reads the Secrets that are wanted one by one, by their names, at once and again from time to time: it needs the verb
 * `get` for these alone, and who can list or watch Secrets can read all of them.
 * https://kubernetes.io/docs/concepts/security/rbac-good-practices/
 */
export function followSecrets(options: FollowSecretsOptions): FollowedSecrets {
  const { api, objects, signal } = options;
  let wanted: ReadonlyMap<string, readonly ObjectRef[]> = new Map();
  /** Version of each that was told. */
  const versions = new Map<string, string>();
  const asked = new Set<string>();
  const forbidden = new Set<string>();
  /** Ends the wait for the next look. */
  let look = new AbortController();
  signal.addEventListener("abort", () => look.abort(), { once: true });

  const isSettled = () => [...wanted.keys()].every((key) => asked.has(key));
  const tellForbidden = () =>
    objects.setGeneral([...forbidden].sort().flatMap((key) => (wanted.get(key) ?? []).map((ref) => refusal(key, ref))));

  const read = async (key: string) => {
    const [namespace = "", name = ""] = key.split("/");
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
    try {
      const object = await api.get(path, { signal, timeoutMs: TIMEOUT_MS });
      if (!wanted.has(key) || !isKubeObject(object)) return;
      forbidden.delete(key);
      const version = `${object.metadata.uid} ${object.metadata.resourceVersion}`;
      if (versions.get(key) === version) return;
      versions.set(key, version);
      objects.apply(RESOURCE, key, { ...object, apiVersion: "v1", kind: RESOURCE });
    } catch (error) {
      if (signal.aborted || !wanted.has(key)) return;
      const status = error instanceof KubernetesApiError ? error.status : 0;
      if (status === 404) forget(key);
      // What was read stays of use: a right that is taken away must not take away what runs.
      else if (status === 403) forbidden.add(key);
      else options.onProblem(`cannot read the Secret ${key}: ${error instanceof Error ? error.message : error}`);
    }
  };
  const forget = (key: string) => {
    forbidden.delete(key);
    if (versions.delete(key)) objects.remove(RESOURCE, key);
  };
  const run = async () => {
    while (!signal.aborted) {
      const { signal: wake } = look;
      for (const key of [...wanted.keys()].sort((a, b) => Number(asked.has(a)) - Number(asked.has(b)))) {
        if (signal.aborted) return;
        if (wanted.has(key)) await read(key);
        asked.add(key);
        if (wake.aborted) break;
      }
      tellForbidden();
      if (isSettled()) options.onSettled();
      if (!wake.aborted) await options.pause(options.intervalMs, wake);
    }
  };

  return {
    want(secrets) {
      wanted = secrets;
      for (const key of [...asked])
        if (!secrets.has(key)) {
          asked.delete(key);
          forget(key);
        }
      if (isSettled()) return;
      const current = look;
      look = new AbortController();
      current.abort();
    },
    get isSettled() {
      return isSettled();
    },
    // Not before the caller has what this returns.
    done: Promise.resolve().then(run),
  };
}

function refusal(key: string, object: ObjectRef): Diagnostic {
  const [namespace, name] = key.split("/");
  return {
    severity: "warning",
    object,
    reason: "SecretForbidden",
    message: `names the Secret ${key}, which the control plane may not read`,
    hint: `let its service account get the Secret ${name} by a Role and a RoleBinding in namespace ${namespace}`,
  };
}
