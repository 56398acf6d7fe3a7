import { type Handover, type Leaving, NO_HANDOVER, type ServedPort, servedPortId } from "../model/handover.js";
import { listeningInstances, servedPorts, workloadsOf } from "../model/membership.js";
import { matchesLabels } from "../model/selector.js";
import type { Snapshot } from "../model/snapshot.js";

/** What a change of a snapshot begins and what it cancels; `wait` says whether those that join are waited for. */
export function nextHandovers(prev: Snapshot, next: Snapshot, wait: boolean): Snapshot["handovers"] {
  const changed = changedWorkloads(prev, next);
  if (changed.size === 0) return prev.handovers;
  const handovers = new Map(prev.handovers);
  for (const key of changed) {
    const before = prev.handovers.get(key) ?? NO_HANDOVER;
    const was = prev.workloads.get(key);
    // The cluster ends a pod when its time has come, and tells callers before.
    const had = was?.pod !== undefined && !next.workloads.has(key) ? new Map() : portsOf(prev, key);
    put(handovers, key, nextHandover(before, had, portsOf(next, key), { wait, isNew: was === undefined }));
  }
  return announceLast({ ...next, handovers });
}

/** A workload may leave so many ports at once, or one after the other, until callers know; older ones are given up. */
const MAX_LEAVING = 100;

function nextHandover(
  before: Handover,
  had: ReadonlyMap<string, ServedPort>,
  has: ReadonlyMap<string, ServedPort>,
  { wait, isNew }: { readonly wait: boolean; readonly isNew: boolean },
): Handover {
  /** Its sidecar still listens there. */
  const kept = new Set(before.leaving.flatMap(({ id, phase }) => (phase === "draining" ? [] : id)));
  const joins = ([id, { workload }]: [string, ServedPort]) => {
    if (had.has(id)) return before.joining.has(id);
    return wait && workload.hasSidecar && workload.pod === undefined && (isNew || !kept.has(id));
  };
  const joining = [...has].filter(joins);
  // Of pods the cluster says who answers.
  const isSaid = (id: string, { workload }: ServedPort) => workload.pod === undefined && !before.joining.has(id);
  const left = [...had].flatMap(([id, port]): Leaving[] =>
    // What callers were never told of must not be announced now. Its listener may serve another service's callers.
    has.has(id) ? [] : [{ ...port, id, phase: isSaid(id, port) ? "announced" : "told" }],
  );
  const ids = new Set(left.map(({ id }) => id));
  const leaving = [...before.leaving.filter(({ id }) => !has.has(id) && !ids.has(id)), ...left];
  return { joining: new Map(joining), leaving: leaving.slice(-MAX_LEAVING) };
}

/**
 * Those that left are taken from the callers unless that would leave a service without endpoints while others are about
 * to listen for it.
 */
export function announceLast(snapshot: Snapshot): Snapshot["handovers"] {
  const isLast = ({ service: { host }, port: { port } }: Leaving) => {
    const service = snapshot.services.get(host);
    const now = service?.ports.find((candidate) => candidate.port === port);
    if (service === undefined || now === undefined || workloadsOf(snapshot, service).length === 0) return false;
    return listeningInstances(snapshot, service, now).length === 0;
  };
  let handovers: Map<string, Handover> | undefined;
  for (const [key, handover] of snapshot.handovers) {
    if (!handover.leaving.some((left) => left.phase === "announced" && !isLast(left))) continue;
    handovers ??= new Map(snapshot.handovers);
    const leaving = handover.leaving.map((left) =>
      left.phase === "announced" && !isLast(left) ? ({ ...left, phase: "told" } as const) : left,
    );
    handovers.set(key, { ...handover, leaving });
  }
  return handovers ?? snapshot.handovers;
}

function put(handovers: Map<string, Handover>, key: string, handover: Handover): void {
  if (handover.joining.size === 0 && handover.leaving.length === 0) handovers.delete(key);
  else handovers.set(key, handover);
}

function portsOf(snapshot: Snapshot, key: string): ReadonlyMap<string, ServedPort> {
  const workload = snapshot.workloads.get(key);
  return new Map(workload && servedPorts(snapshot, workload).map((port) => [servedPortId(port), port]));
}

/** Those that are others now, and those whose services are. */
function changedWorkloads(prev: Snapshot, next: Snapshot): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const key of differentKeys(prev.workloads, next.workloads)) keys.add(key);
  for (const host of differentKeys(prev.services, next.services))
    for (const snapshot of [prev, next]) {
      const service = snapshot.services.get(host);
      if (service === undefined || Object.keys(service.selector).length === 0) continue;
      for (const [key, { namespace, labels }] of snapshot.workloads)
        if (namespace === service.namespace && matchesLabels(service.selector, labels)) keys.add(key);
    }
  return keys;
}

function* differentKeys<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): Iterable<string> {
  if (a === b) return;
  for (const [key, value] of a) if (b.get(key) !== value) yield key;
  for (const key of b.keys()) if (!a.has(key)) yield key;
}
