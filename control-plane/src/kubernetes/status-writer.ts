import type { ObjectRef } from "../model/object-ref.js";
import { type StatusDocument, statusKey } from "../status/document.js";
import type { KubernetesApi } from "./api.js";
import type { ClusterObjects } from "./cluster-objects.js";
import { createRateLimit } from "./rate-limit.js";
import { STATUS_KINDS } from "./status-kinds.js";
import { statusPatch } from "./status-patch.js";

/** Keeps the statuses of objects in the cluster equal to the last documents that it was given, as long as it leads. */
export interface ClusterStatusWriter {
  /**
   * Resolves when the statuses of plugins, which are read again after a restart, are written or were tried; those of all
   * others follow at their pace. What cannot be written is tried again until it can, or something newer is there.
   */
  write(documents: readonly StatusDocument[], gone?: readonly ObjectRef[]): Promise<void>;
  close(): void;
}

export interface ClusterStatusWriterOptions {
  readonly api: KubernetesApi;
  readonly objects: ClusterObjects;
  readonly leadership: {
    readonly isLeading: boolean;
    subscribe(listener: (isLeading: boolean) => void): () => void;
  };
  /** What cannot be written and what to do, each once until it is something else. */
  readonly onProblem: (message: string) => void;
}

type Outcome = "done" | "again";

/** So that a mesh of thousands of objects does not keep the API server from others. */
const RATE = { burst: 50, perSecond: 25 };
const WORKERS = 4;
const MAX_CONFLICTS = 8;
const RETRY_MS = { first: 1000, last: 30_000 };

export function createStatusWriter(options: ClusterStatusWriterOptions): ClusterStatusWriter {
  const { api, objects, leadership } = options;
  const limit = createRateLimit(RATE);
  /** What each object's status should be; also that of a replica which does not lead, for when it does. */
  const wanted = new Map<string, StatusDocument>();
  /** Keys of those that are not written yet, in their order. */
  const queue = new Set<string>();
  const underWay = new Map<string, Promise<Outcome>>();
  const problems = new Map<string, string>();
  let retryMs = RETRY_MS.first;
  let retry: NodeJS.Timeout | undefined;
  let workers = 0;
  let isClosed = false;

  const told = (kind: string, problem: string | undefined) => {
    if (problem === undefined) problems.delete(kind);
    else if (problems.get(kind) !== problem) {
      problems.set(kind, problem);
      options.onProblem(problem);
    }
  };

  /** One object at a time has one write at a time: what is newest when its turn comes is written. */
  const writeOne = async (key: string): Promise<Outcome> => {
    const before = underWay.get(key);
    const work = (before ?? Promise.resolve()).then(() => attempt(key));
    underWay.set(key, work);
    const outcome = await work;
    if (underWay.get(key) === work) underWay.delete(key);
    if (outcome === "again") queue.add(key);
    return outcome;
  };

  const attempt = async (key: string): Promise<Outcome> => {
    try {
      for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
        const document = wanted.get(key);
        if (document === undefined || !leadership.isLeading || isClosed) return "done";
        const outcome = await patch(document);
        if (outcome !== "conflict") return outcome;
      }
      return "again";
    } catch (error) {
      told("", `statuses are not written: ${error instanceof Error ? error.message : error}; they are tried again`);
      return "again";
    }
  };

  const patch = async (document: StatusDocument): Promise<Outcome | "conflict"> => {
    const { object: ref } = document;
    const found = await objects.find(ref);
    if (found.kind === "absent") return "done";
    if (found.kind === "refused") return refused(ref, found.status, found.message);
    const { object } = found;
    const status = statusPatch(document, object.status);
    if (status === undefined) return "done";
    await limit.turn();
    const answer = await api.ask({
      method: "PATCH",
      path: `${object.path}/status`,
      // Written to what was read, or not at all.
      body: { metadata: { uid: object.uid, resourceVersion: object.resourceVersion }, status },
    });
    told("", undefined);
    if (answer.status === 200) {
      objects.update(ref, object, answer.body);
      told(ref.kind, undefined);
      return "done";
    }
    objects.forget(ref);
    if (answer.status === 409) return "conflict";
    // Gone meanwhile; or the CRD is one without a status, for which the Events have to do.
    return answer.status === 404 ? "done" : refused(ref, answer.status, answer.message);
  };

  const refused = (ref: ObjectRef, status: number, message: string): Outcome => {
    const [{ group, plural } = { group: "", plural: ref.kind }] = STATUS_KINDS[ref.kind] ?? [];
    const resource = group === "" ? plural : `${plural}.${group}`;
    const isTemporary = status === 429 || status >= 500;
    const hint =
      status === 401 || status === 403
        ? `; give the control plane's service account get of ${resource} and patch of ${resource}/status`
        : isTemporary
          ? "; it is tried again"
          : "; its CRD may be of another version than this control plane: install those of crds/";
    told(
      ref.kind,
      `the status of ${ref.kind} ${ref.namespace}/${ref.name} is not written: ${status} ${message}${hint}`,
    );
    return isTemporary || status === 401 || status === 403 ? "again" : "done";
  };

  const work = async () => {
    workers += 1;
    let isFailing = false;
    for (const key of queue) {
      if (isFailing || isClosed || !leadership.isLeading) break;
      queue.delete(key);
      isFailing = (await writeOne(key)) === "again";
    }
    workers -= 1;
    if (isFailing) later();
    else if (queue.size === 0) retryMs = RETRY_MS.first;
  };
  const pump = () => {
    if (isClosed || !leadership.isLeading || retry !== undefined) return;
    for (let free = Math.min(WORKERS - workers, queue.size); free > 0; free--) void work();
  };
  const later = () => {
    if (retry !== undefined || isClosed) return;
    retry = setTimeout(
      () => {
        retry = undefined;
        pump();
      },
      retryMs * (0.8 + Math.random() * 0.4),
    ).unref();
    retryMs = Math.min(retryMs * 2, RETRY_MS.last);
  };

  const unsubscribe = leadership.subscribe((isLeading) => {
    if (!isLeading) return;
    // What another replica wrote since it was read here is not known.
    for (const [key, { object }] of wanted) {
      objects.forget(object);
      queue.add(key);
    }
    pump();
  });

  return {
    async write(documents, gone) {
      if (gone === undefined) wanted.clear();
      for (const ref of gone ?? []) {
        const key = statusKey(ref);
        wanted.delete(key);
        queue.delete(key);
        objects.forget(ref);
      }
      const first: string[] = [];
      for (const document of documents) {
        const key = statusKey(document.object);
        if (STATUS_KINDS[document.object.kind] === undefined) continue;
        wanted.set(key, document);
        if (!leadership.isLeading) continue;
        if (document.object.kind === "WasmPlugin") first.push(key);
        else queue.add(key);
      }
      const outcomes = await Promise.all(first.map(writeOne));
      if (outcomes.includes("again")) later();
      pump();
    },
    close() {
      isClosed = true;
      clearTimeout(retry);
      unsubscribe();
    },
  };
}
