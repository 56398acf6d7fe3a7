import { compareStrings, sortedEntries } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { EndpointSlice } from "../model/endpoint-slice.js";
import type { Node, Pod } from "../model/pod.js";
import type { Workload } from "../model/workload.js";

/** What workloads are made of. */
export interface WorkloadParts {
  /** WorkloadEntries. */
  readonly entries: ReadonlyMap<string, Workload>;
  readonly pods: ReadonlyMap<string, Pod>;
  /** By name. */
  readonly nodes: ReadonlyMap<string, Node>;
}

export const NO_PARTS: WorkloadParts = { entries: new Map(), pods: new Map(), nodes: new Map() };

/**
 * The workloads after a change: the pods, placed where their nodes are, and the WorkloadEntries that have no pod's name.
 * Only what changed is looked at; where nothing is different the very map that was there before is given back.
 */
export function mergeWorkloads(
  before: ReadonlyMap<string, Workload>,
  prev: WorkloadParts,
  next: WorkloadParts,
): ReadonlyMap<string, Workload> {
  let merged: Map<string, Workload> | undefined;
  for (const key of changedKeys(prev, next)) {
    const workload = workloadAt(key, next);
    if (isSame(before.get(key), workload)) continue;
    merged ??= new Map(before);
    if (workload === undefined) merged.delete(key);
    else merged.set(key, workload);
  }
  return merged ?? before;
}

/** Whether a workload came out as it was: it is made anew when its node gives it its place. */
function isSame(old: Workload | undefined, now: Workload | undefined): boolean {
  if (old === now || old === undefined || now === undefined) return old === now;
  const fields = Object.keys(now) as (keyof Workload)[];
  return Object.keys(old).length === fields.length && fields.every((field) => old[field] === now[field]);
}

function workloadAt(key: string, { entries, pods, nodes }: WorkloadParts): Workload | undefined {
  const pod = pods.get(key);
  if (pod?.workload === undefined) return entries.get(key);
  // What the pod says of itself goes first.
  const locality = pod.workload.locality ?? nodes.get(pod.node)?.locality;
  return locality === pod.workload.locality || locality === undefined ? pod.workload : { ...pod.workload, locality };
}

function changedKeys(prev: WorkloadParts, next: WorkloadParts): ReadonlySet<string> {
  const keys = new Set([...differing(prev.entries, next.entries), ...differing(prev.pods, next.pods)]);
  const nodes = new Set(differing(prev.nodes, next.nodes));
  if (nodes.size > 0) for (const [key, { node }] of next.pods) if (nodes.has(node)) keys.add(key);
  return keys;
}

function* differing<V>(prev: ReadonlyMap<string, V>, next: ReadonlyMap<string, V>): Iterable<string> {
  if (prev === next) return;
  for (const [key, value] of prev) if (next.get(key) !== value) yield key;
  for (const key of next.keys()) if (!prev.has(key)) yield key;
}

/** WorkloadEntries whose name a pod has: proxies are known by it, so there can be one only. */
export function checkWorkloadNames({ entries, pods }: WorkloadParts): Diagnostic[] {
  return sortedEntries(entries).flatMap(([key, { namespace, name }]): Diagnostic[] =>
    pods.get(key)?.workload === undefined
      ? []
      : [
          {
            severity: "error",
            object: { kind: "WorkloadEntry", namespace, name },
            field: "metadata.name",
            reason: "NameTaken",
            message: `is the name of a Pod of namespace ${namespace} too, which is in force in its place`,
            hint: "give the WorkloadEntry another name",
          },
        ],
  );
}

/** The slices of a service with one of them replaced, in the order of their names; undefined: none are left. */
export function withSlice(
  slices: readonly EndpointSlice[] = [],
  host: string,
  before: EndpointSlice | undefined,
  after: EndpointSlice | undefined,
): readonly EndpointSlice[] | undefined {
  // One without a service is nobody's.
  if (host === "") return undefined;
  const others = slices.filter((slice) => slice !== before);
  const next = after?.host === host ? [...others, after] : others;
  return next.length === 0 ? undefined : next.sort((a, b) => compareStrings(a.name, b.name));
}
