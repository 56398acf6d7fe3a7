import { errorOfStatus, KubernetesApiError } from "../../kubernetes/api-error.js";
import type { KubernetesReader } from "../../kubernetes/reader.js";
import { backOffMs } from "./back-off.js";
import { isKubeObject, isRecord, type KubeObject, kubeKey } from "./kube-object.js";

/** What has changed among the objects of a resource. */
export interface ReflectedChange {
  /** New, or of another version than before. */
  readonly applied: readonly KubeObject[];
  /** Keys of those that are no more. */
  readonly gone: readonly string[];
}

export interface ReflectorOptions {
  readonly api: KubernetesReader;
  /** `/api/v1/services`, `/apis/<group>/<version>/<resource>`, or below a namespace. */
  readonly path: string;
  /** Default: all objects. */
  readonly fieldSelector?: string;
  /** Whether only metadata is asked for. Default false. */
  readonly metadataOnly?: boolean;
  readonly onChange: (change: ReflectedChange) => void;
  /** All that was there at one moment has been told. Called after each list. */
  readonly onListed: () => void;
  /** What keeps it from going on; it tries again by itself. */
  readonly onProblem: (error: unknown) => void;
  readonly signal: AbortSignal;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Number in [0, 1). */
  readonly random: () => number;
  /** Objects of a page. Default 500. */
  readonly pageSize?: number;
}

const MEDIA_TYPES = {
  full: { list: "application/json", watch: "application/json" },
  metadata: {
    list: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    watch: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
  },
} as const;

const DEFAULT_PAGE_SIZE = 500;
const ANSWER_TIMEOUT_MS = 60_000;
/** The server ends a watch after so long, so that load moves between servers. */
const WATCH_SECONDS = { min: 300, max: 600 };
/** Bookmarks come about once a minute; without anything for so long nobody is there. */
const IDLE_MS = 180_000;
/** Watches that fail one after the other: then the version may be what is wrong, and only a list knows another one. */
const MAX_WATCH_FAILURES = 4;
/** A watch that ends sooner was of no use. */
const SHORT_WATCH_MS = 1_000;

/**
 * Follows the objects of one resource: lists them in pages, then watches from there, until the signal aborts. What a cut
 * connection, a restarted server or an expired version has hidden is found by comparing the next list with what is
 * known, so that nothing is lost, and nothing told that was not so.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export async function reflect(options: ReflectorOptions): Promise<void> {
  const { signal, random } = options;
  /** Version of each object that was told. */
  const known = new Map<string, string>();
  let version: string | undefined;
  let failures = 0;
  let isPaged = true;
  while (!signal.aborted) {
    try {
      if (version === undefined) {
        version = await list(options, known, isPaged);
        isPaged = true;
        options.onListed();
      }
      const beganMs = performance.now();
      const watching: Watching = { version, hasMoved: false };
      try {
        await watch(options, known, watching);
      } finally {
        version = watching.version;
        if (watching.hasMoved) failures = 0;
      }
      failures = 0;
      if (performance.now() - beganMs < SHORT_WATCH_MS) await options.pause(backOffMs(1, random), signal);
    } catch (error) {
      if (signal.aborted) return;
      if (isExpired(error)) {
        // A list that took longer than its version lived is asked for whole.
        if (version === undefined) isPaged = false;
        version = undefined;
        failures += 1;
        if (failures > 1) await options.pause(backOffMs(failures, random), signal);
        continue;
      }
      failures += 1;
      if (failures >= MAX_WATCH_FAILURES) version = undefined;
      options.onProblem(error);
      const askedMs = error instanceof KubernetesApiError ? (error.retryAfterMs ?? 0) : 0;
      await options.pause(Math.max(askedMs, backOffMs(failures, random)), signal);
    }
  }
}

/** Tells what differs from what is known. Returns the version from which to watch. */
async function list(options: ReflectorOptions, known: Map<string, string>, isPaged: boolean): Promise<string> {
  const { api, path, signal, pageSize = DEFAULT_PAGE_SIZE } = options;
  const accept = MEDIA_TYPES[options.metadataOnly === true ? "metadata" : "full"].list;
  const seen = new Set<string>();
  let token: string | undefined;
  for (;;) {
    const query = queryOf(options, {
      ...(isPaged ? { limit: String(pageSize) } : {}),
      ...(token === undefined ? {} : { continue: token }),
    });
    const answer = await api.get(`${path}?${query}`, { accept, signal, timeoutMs: ANSWER_TIMEOUT_MS });
    const { items, resourceVersion, next } = readPage(answer);
    const applied = items.filter((object) => {
      const key = kubeKey(object);
      seen.add(key);
      return isNew(known, key, object);
    });
    // Page by page, so that no more than a page is held as it came.
    if (applied.length > 0) options.onChange({ applied, gone: [] });
    token = next;
    if (token !== undefined) continue;
    const gone = [...known.keys()].filter((key) => !seen.has(key));
    for (const key of gone) known.delete(key);
    if (gone.length > 0) options.onChange({ applied: [], gone });
    return resourceVersion;
  }
}

function readPage(answer: unknown) {
  const { metadata, items } = isRecord(answer) ? answer : {};
  if (!isRecord(metadata) || typeof metadata.resourceVersion !== "string")
    throw new Error("the API server's list is none: it has no version");
  const { resourceVersion, continue: next } = metadata;
  return {
    // Go's JSON has null for an empty list.
    items: Array.isArray(items) ? items.filter(isKubeObject) : [],
    resourceVersion,
    next: typeof next === "string" && next !== "" ? next : undefined,
  };
}

interface Watching {
  version: string;
  /** Whether the server said anything. */
  hasMoved: boolean;
}

async function watch(options: ReflectorOptions, known: Map<string, string>, at: Watching): Promise<void> {
  const { api, path, signal, random } = options;
  const query = queryOf(options, {
    watch: "1",
    allowWatchBookmarks: "true",
    resourceVersion: at.version,
    timeoutSeconds: String(Math.floor(WATCH_SECONDS.min + random() * (WATCH_SECONDS.max - WATCH_SECONDS.min))),
  });
  const accept = MEDIA_TYPES[options.metadataOnly === true ? "metadata" : "full"].watch;
  const events = api.stream(`${path}?${query}`, {
    accept,
    signal,
    // The answer begins when the server's cache has reached the version.
    timeoutMs: ANSWER_TIMEOUT_MS,
    idleMs: IDLE_MS,
  });
  for await (const event of events) {
    const { type, object } = isRecord(event) ? event : {};
    if (type === "ERROR") throw errorOfStatus(object, 500);
    if (!isKubeObject(object) && type !== "BOOKMARK")
      throw new Error("the API server's watch has an event without an object");
    const version = isRecord(object) && isRecord(object.metadata) ? object.metadata.resourceVersion : undefined;
    if (isKubeObject(object)) tell(options, known, type, object);
    if (typeof version === "string") at.version = version;
    at.hasMoved = true;
  }
}

function tell({ onChange }: ReflectorOptions, known: Map<string, string>, type: unknown, object: KubeObject): void {
  const key = kubeKey(object);
  if (type === "DELETED") {
    if (known.delete(key)) onChange({ applied: [], gone: [key] });
  } else if (type === "ADDED" || type === "MODIFIED") {
    if (isNew(known, key, object)) onChange({ applied: [object], gone: [] });
  }
}

/** Notes the object's version. Of a name that was given again the version alone may say nothing. */
function isNew(known: Map<string, string>, key: string, { metadata }: KubeObject): boolean {
  const version = `${metadata.uid ?? ""} ${metadata.resourceVersion ?? ""}`;
  if (known.get(key) === version) return false;
  known.set(key, version);
  return true;
}

/** The version, or the place in a list, is one that the server does not remember any more. */
function isExpired(error: unknown): boolean {
  return error instanceof KubernetesApiError && error.status === 410;
}

function queryOf({ fieldSelector }: ReflectorOptions, parameters: Readonly<Record<string, string>>): string {
  return new URLSearchParams({ ...parameters, ...(fieldSelector === undefined ? {} : { fieldSelector }) }).toString();
}
