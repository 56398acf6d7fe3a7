import { KubernetesApiError } from "../../kubernetes/api-error.js";
import type { KubernetesReader } from "../../kubernetes/reader.js";
import type { MeshObject } from "../../model/mesh-object.js";
import type { ObjectRef } from "../../model/object-ref.js";
import type { SourceBatch } from "../source.js";
import { backOffMs } from "./back-off.js";
import { ClusterObjects } from "./cluster-objects.js";
import { discoverKinds } from "./discovery.js";
import { followSecrets } from "./follow-secrets.js";
import { isRecord, kubeKey } from "./kube-object.js";
import { reflect } from "./reflector.js";
import { type WatchedResource, watchedResources } from "./resources.js";

/** A status as it stands in the cluster; nothing of it is certain. */
export interface PluginStatusReading {
  readonly object: ObjectRef;
  readonly status: Readonly<Record<string, unknown>>;
}

export interface FollowOptions {
  readonly api: KubernetesReader;
  readonly lastGood: readonly MeshObject[];
  readonly onBatch: (batch: SourceBatch) => void;
  readonly signal: AbortSignal;
  readonly onProblem: (message: string) => void;
  readonly onPluginStatus: (status: PluginStatusReading) => void;
  readonly discoveryMs: number;
  readonly secretsMs: number;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly pageSize?: number;
}

interface Followed {
  readonly resource: WatchedResource;
  readonly stop: AbortController;
  /** What has been told of it. */
  readonly keys: Set<string>;
  isListed: boolean;
  done: Promise<void>;
  /** How often it was not among the kinds of the server. */
  missed: number;
}

/** A kind is gone when the server does not name it so often; one that has just started may not name all yet. */
const MISSES = 3;

/** Follows the resources that there are, from the moment that there are, until the signal aborts. */
export async function followResources(options: FollowOptions): Promise<void> {
  const { api, signal, random } = options;
  const objects = new ClusterObjects(options.lastGood, options.onBatch, () => secrets.want(objects.secrets));
  const secrets = followSecrets({
    ...{ api, objects, signal, onProblem: options.onProblem, pause: options.pause },
    intervalMs: options.secretsMs,
    onSettled: () => readyIfListed(),
  });
  const followed = new Map<string, Followed>();
  let isReady = false;
  let isDiscovered = false;
  let failures = 0;

  const readyIfListed = () => {
    if (isReady || !isDiscovered || !secrets.isSettled || ![...followed.values()].every(({ isListed }) => isListed))
      return;
    isReady = true;
    objects.markReady();
  };

  while (!signal.aborted) {
    try {
      const wanted = new Map(
        watchedResources(await discoverKinds(api, signal)).map((resource) => [idOf(resource), resource]),
      );
      failures = 0;
      for (const [id, resource] of wanted) {
        const now = followed.get(id);
        if (now !== undefined) now.missed = 0;
        if (now?.resource.path === resource.path) continue;
        // Another version of the same objects: what is known of them is compared with what it lists.
        now?.stop.abort();
        await now?.done;
        followed.set(id, follow(options, objects, { id, resource, keys: now?.keys ?? new Set() }, readyIfListed));
      }
      for (const [id, { stop, done, keys }] of [...followed].filter(
        ([id, f]) => !wanted.has(id) && ++f.missed >= MISSES,
      )) {
        stop.abort();
        await done;
        followed.delete(id);
        for (const key of keys) objects.remove(id, key);
      }
      isDiscovered = true;
      readyIfListed();
      await options.pause(options.discoveryMs, signal);
    } catch (error) {
      if (signal.aborted) break;
      failures += 1;
      options.onProblem(`cannot ask the API server for its kinds: ${messageOf(error)}`);
      await options.pause(Math.min(options.discoveryMs, backOffMs(failures, random)), signal);
    }
  }
  for (const { stop } of followed.values()) stop.abort();
  await Promise.all([...[...followed.values()].map(({ done }) => done), secrets.done]);
}

function follow(
  options: FollowOptions,
  objects: ClusterObjects,
  { id, resource, keys }: { readonly id: string; readonly resource: WatchedResource; readonly keys: Set<string> },
  onListed: () => void,
): Followed {
  const { api, random, pageSize } = options;
  const stop = new AbortController();
  const end = () => stop.abort();
  options.signal.addEventListener("abort", end);
  /** Of the version before, and not seen in this one. */
  const doubtful = new Set(keys);
  const followed: Followed = { resource, stop, keys, isListed: false, missed: 0, done: Promise.resolve() };
  const { path, fieldSelector, metadataOnly, apiVersion, definition } = resource;
  followed.done = reflect({
    api,
    path,
    metadataOnly,
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(pageSize === undefined ? {} : { pageSize }),
    signal: stop.signal,
    pause: options.pause,
    random,
    onChange({ applied, gone }) {
      for (const object of applied) {
        const key = kubeKey(object);
        keys.add(key);
        doubtful.delete(key);
        // Items of a list do not say what they are.
        objects.apply(id, key, { ...object, apiVersion, kind: definition.kind });
        const { namespace = "", name } = object.metadata;
        if (definition.kind === "WasmPlugin" && isRecord(object.status))
          options.onPluginStatus({ object: { kind: "WasmPlugin", namespace, name }, status: object.status });
      }
      for (const key of gone) {
        keys.delete(key);
        objects.remove(id, key);
      }
    },
    onListed() {
      for (const key of doubtful) {
        keys.delete(key);
        objects.remove(id, key);
      }
      doubtful.clear();
      followed.isListed = true;
      onListed();
    },
    onProblem(error) {
      options.onProblem(`cannot follow ${definition.kind}s (${apiVersion}): ${messageOf(error)}${adviceFor(error)}`);
    },
  }).finally(() => options.signal.removeEventListener("abort", end));
  return followed;
}

/** Group and kind: the same whatever the version. */
function idOf({ definition: { group, kind } }: WatchedResource): string {
  return group === "" ? kind : `${group} ${kind}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function adviceFor(error: unknown): string {
  if (!(error instanceof KubernetesApiError) || error.status !== 403) return "";
  return "; let the control plane's service account list and watch them";
}
