import { createHash } from "node:crypto";
import type { ObjectRef } from "../model/object-ref.js";
import { type StatusDocument, type StoredStatus, statusKey } from "../status/document.js";
import type { NewEvent } from "../status/event-log.js";
import { pluginEvents } from "../status/plugin-events.js";
import type { KubernetesApi } from "./api.js";
import { objectPath } from "./api-path.js";
import type { ClusterObject, ClusterObjects } from "./cluster-objects.js";
import { createRateLimit } from "./rate-limit.js";
import { EVENT_KINDS } from "./status-kinds.js";

/** Tells what happened to plugins, and what is wrong with objects that have no status, as Events beside the objects. */
export interface ClusterEvents {
  /** Resolves when they are on their way: nobody waits for an Event. */
  take(documents: readonly StatusDocument[], gone: readonly ObjectRef[], now: string): Promise<void>;
  close(): void;
}

export interface ClusterEventsOptions {
  readonly api: KubernetesApi;
  readonly objects: ClusterObjects;
  readonly isLeading: () => boolean;
  /** Name of the control plane's pod. */
  readonly instance: string;
  /** What the last run wrote, so that what it told is not told again. */
  readonly statuses: readonly StoredStatus[];
  /** Each once until it is something else. */
  readonly onProblem: (message: string) => void;
}

/** The same thing, told once with how often it happened. */
interface Told {
  readonly path: string;
  count: number;
  readonly lastMs: number;
}

const CONTROLLER = "weft.mesh/control-plane";
/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ */
const MAX_NOTE_LENGTH = 1024;
const RATE = { burst: 25, perSecond: 5 };
/** More that happens while so many wait is not told. */
const MAX_WAITING = 1000;
const MAX_TOLD = 5000;
/** API servers forget Events after an hour. */
const SERIES_MS = 50 * 60_000;

export function createClusterEvents(options: ClusterEventsOptions): ClusterEvents {
  const { api, objects } = options;
  const limit = createRateLimit(RATE);
  const known = new Map<string, StatusDocument["status"] | StoredStatus["status"]>(
    options.statuses.map(({ object, status }) => [statusKey(object), status]),
  );
  const told = new Map<string, Told>();
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;
  let problem = "";
  let isClosed = false;

  const failed = (message: string) => {
    if (message !== problem) options.onProblem(message);
    problem = message;
  };

  const tell = async (event: NewEvent, now: string): Promise<void> => {
    const found = await objects.find(event.regarding);
    if (found.kind !== "found") return;
    const key = JSON.stringify([found.object.uid, event.type, event.reason, event.message]);
    const before = told.get(key);
    await limit.turn();
    if (isClosed) return;
    if (before !== undefined && Date.parse(now) - before.lastMs < SERIES_MS && (await repeat(before, now))) {
      told.delete(key);
      told.set(key, { ...before, count: before.count + 1, lastMs: Date.parse(now) });
      return;
    }
    const object = newEvent(event, found.object, { key, now, instance: options.instance });
    const collection = objectPath({ ...EVENTS, namespace: object.metadata.namespace });
    const { status, message } = await api.ask({ method: "POST", path: collection, body: object });
    // 409: it has been told by who led before.
    if (status === 201 || status === 409) {
      told.set(key, { path: `${collection}/${object.metadata.name}`, count: 1, lastMs: Date.parse(now) });
      for (const oldest of told.keys()) {
        if (told.size <= MAX_TOLD) break;
        told.delete(oldest);
      }
      problem = "";
    } else if (status !== 404) failed(`Events are not written: ${status} ${message}${hintFor(status)}`);
  };

  const repeat = async ({ path, count }: Told, now: string): Promise<boolean> => {
    const series = { count: count + 1, lastObservedTime: microTime(now) };
    const { status } = await api.ask({ method: "PATCH", path, body: { series } });
    return status === 200;
  };

  return {
    async take(documents, gone, now) {
      const happened = documents.flatMap(({ object, status }) => {
        const before = known.get(statusKey(object));
        return before === status ? [] : newsOf(object, before, status);
      });
      for (const { object, status } of documents)
        if (object.kind === "WasmPlugin" || EVENT_KINDS[object.kind] !== undefined)
          known.set(statusKey(object), status);
      for (const ref of gone) known.delete(statusKey(ref));
      if (!options.isLeading()) return;
      for (const event of happened) {
        if (waiting >= MAX_WAITING) return failed(`more than ${MAX_WAITING} Events wait; what happens now is not told`);
        waiting += 1;
        last = last
          .then(() => (isClosed || !options.isLeading() ? undefined : tell(event, now)))
          .catch((error: unknown) =>
            failed(`Events are not written: ${error instanceof Error ? error.message : error}`),
          )
          .finally(() => {
            waiting -= 1;
          });
      }
    },
    close() {
      isClosed = true;
    },
  };
}

const EVENTS = { group: "events.k8s.io", version: "v1", plural: "events" };

/** What is new in a status. A status that another run wrote of an object without one is not known: it is told again. */
function newsOf(
  ref: ObjectRef,
  before: StatusDocument["status"] | StoredStatus["status"] | undefined,
  after: StatusDocument["status"],
): readonly NewEvent[] {
  if (ref.kind === "WasmPlugin") return pluginEvents(ref, before, after);
  if (EVENT_KINDS[ref.kind] === undefined) return [];
  const was = new Set(diagnosticsOf(before ?? {}));
  const is = diagnosticsOf(after);
  const accepted = after.conditions.find(({ type }) => type === "Accepted");
  const wrong = is
    .filter((text) => !was.has(text))
    .map((message): NewEvent => ({ regarding: ref, type: "Warning", reason: accepted?.reason ?? "Refused", message }));
  if (wrong.length > 0 || was.size === 0 || is.length > 0) return wrong;
  return [{ regarding: ref, type: "Normal", reason: "Solved", message: "nothing is wrong with it any more" }];
}

function diagnosticsOf(status: object): readonly string[] {
  const { diagnostics } = status as { readonly diagnostics?: unknown };
  return Array.isArray(diagnostics) ? diagnostics.map(String) : [];
}

function newEvent(
  { regarding, type, reason, message }: NewEvent,
  { resource, uid, resourceVersion }: ClusterObject,
  { key, now, instance }: { readonly key: string; readonly now: string; readonly instance: string },
) {
  const { kind, namespace, name } = regarding;
  const apiVersion = resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
  const hash = createHash("sha256").update(`${key} ${now}`).digest("hex").slice(0, 16);
  // What is of no namespace is told of in the one that Kubernetes takes for it.
  const eventNamespace = kind === "Namespace" || namespace === "" ? "default" : namespace;
  return {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: `${name.slice(0, 200)}.${hash}`, namespace: eventNamespace },
    regarding: {
      apiVersion,
      kind,
      name,
      ...(kind === "Namespace" ? {} : { namespace }),
      uid,
      resourceVersion,
    },
    type,
    reason: reason.slice(0, 128),
    action: reason.slice(0, 128),
    note: message.slice(0, MAX_NOTE_LENGTH),
    eventTime: microTime(now),
    reportingController: CONTROLLER,
    reportingInstance: instance.slice(0, 128),
  };
}

function hintFor(status: number): string {
  return status === 401 || status === 403
    ? "; give the control plane's service account create and patch of events.events.k8s.io"
    : "";
}

/** Kubernetes' MicroTime. */
function microTime(now: string): string {
  return now.replace(/(\.\d{3})?Z$/, (_all, ms: string | undefined) => `${ms ?? ".000"}000Z`);
}
