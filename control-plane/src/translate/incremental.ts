import type { Proxy } from "../model/proxy.js";
import {
  type ChangedNames,
  RESOURCE_TYPES,
  type Resource,
  type ResourceType,
  type ResourceView,
} from "../model/resource.js";
import type { Snapshot } from "../model/snapshot.js";
import { type Affected, affected, isAffected } from "./affected.js";
import { build } from "./build.js";
import { type Ref, refId, slotEntries } from "./ref.js";
import { type RefTable, type Selection, select, selectedRef, selectedRefs } from "./select.js";

/**
 * Translation that goes with a sequence of snapshots: builds what somebody asks for, once, and after a change only
 * what the change touches. What a proxy sees is always what `translate` would give it.
 */
export interface IncrementalTranslation {
  readonly snapshot: Snapshot;
  /** Follows a proxy; undefined where the snapshot has no such workload. The view stays true across changes. */
  attach(proxyKey: string): ResourceView | undefined;
  detach(proxyKey: string): void;
  /** The plugin slots of an attached proxy, with their plugins in order and the version that it should have. */
  slots(proxyKey: string): readonly Slot[];
  /** The version that an attached proxy should have under a name. */
  version(proxyKey: string, type: ResourceType, name: string): string | undefined;
  /** Moves on and tells, by attached proxy, the names whose content is no longer what it was. */
  apply(next: Snapshot): ReadonlyMap<string, ChangedNames>;
}

type Attached =
  | { readonly kind: "live"; readonly selection: Selection }
  /** Its workload went; until its stream ends it keeps what it had then. */
  | { readonly kind: "frozen"; readonly resources: ReadonlyMap<ResourceType, ReadonlyMap<string, Resource>> };

/** One place for plugins in one proxy. */
export interface Slot {
  readonly name: string;
  readonly plugins: readonly string[];
  /** Those of the plugins that are of the version on its way, and not of the one in force. */
  readonly candidates: readonly string[];
  readonly version: string;
}

interface Built {
  readonly ref: Ref;
  readonly resource: Resource;
}

export function createIncrementalTranslation(initial: Snapshot): IncrementalTranslation {
  let snapshot = initial;
  const attached = new Map<string, Attached>();
  const built = new Map<string, Built>();

  const resourceOf = (ref: Ref): Resource => {
    const id = refId(ref);
    let entry = built.get(id);
    if (entry === undefined) {
      entry = { ref, resource: build(ref, snapshot) };
      built.set(id, entry);
    }
    return entry.resource;
  };

  const selectionFor = (key: string): Selection | undefined => {
    const workload = snapshot.workloads.get(key);
    return workload && select(snapshot, { key, workload } satisfies Proxy);
  };

  const resourceFor = (proxyKey: string, type: ResourceType, name: string): Resource | undefined => {
    const current = attached.get(proxyKey);
    if (current === undefined) return undefined;
    if (current.kind === "frozen") return current.resources.get(type)?.get(name);
    const ref = selectedRef(current.selection, type, name);
    return ref && resourceOf(ref);
  };

  return {
    get snapshot() {
      return snapshot;
    },
    attach(proxyKey) {
      const selection = selectionFor(proxyKey);
      if (selection === undefined) return undefined;
      attached.set(proxyKey, { kind: "live", selection });
      return {
        get: (type, name) => resourceFor(proxyKey, type, name),
        names(type) {
          const current = attached.get(proxyKey);
          if (current === undefined) return [];
          return current.kind === "frozen"
            ? [...(current.resources.get(type)?.keys() ?? [])]
            : namesOf(current.selection, type);
        },
      };
    },
    detach(proxyKey) {
      attached.delete(proxyKey);
    },
    version: (proxyKey, type, name) => resourceFor(proxyKey, type, name)?.version,
    slots(proxyKey) {
      const current = attached.get(proxyKey);
      if (current?.kind !== "live") return [];
      return [...(current.selection.own.get("extension")?.values() ?? [])].map((ref) => {
        const entries = slotEntries(ref);
        return {
          name: ref.name,
          plugins: entries.map(({ key }) => key),
          candidates: entries.flatMap(({ key, candidate }) => (candidate ? key : [])),
          version: resourceOf(ref).version,
        };
      });
    },
    apply(next) {
      const change = affected(snapshot, next);
      snapshot = next;
      const before = new Map(attached);
      for (const [key, current] of before) {
        if (!(change.sharedSelection || change.proxies.has(key))) continue;
        const selection = selectionFor(key);
        if (selection !== undefined) attached.set(key, { kind: "live", selection });
        else if (current.kind === "live") attached.set(key, freeze(current.selection, built));
      }
      if (change.sharedSelection || change.proxies.size > 0) dropUnselected(built, attached);
      const rebuilt = rebuild(built, change, snapshot);
      const changed = new Map<string, ChangedNames>();
      for (const [key, current] of attached) {
        const old = before.get(key);
        if (current.kind === "frozen" || old === undefined) continue;
        const names =
          old.kind === "live"
            ? changedNames(old.selection, current.selection, rebuilt)
            : thawedNames(old.resources, current.selection, resourceOf);
        if (names.size > 0) changed.set(key, names);
      }
      return changed;
    },
  };
}

function freeze(selection: Selection, built: ReadonlyMap<string, Built>): Attached {
  const resources = new Map<ResourceType, Map<string, Resource>>();
  for (const ref of selectedRefs(selection)) {
    const resource = built.get(refId(ref))?.resource;
    if (resource === undefined) continue;
    const ofType = resources.get(ref.type);
    if (ofType === undefined) resources.set(ref.type, new Map([[ref.name, resource]]));
    else ofType.set(ref.name, resource);
  }
  return { kind: "frozen", resources };
}

/** Forgets what nobody selects any more. */
function dropUnselected(built: Map<string, Built>, attached: ReadonlyMap<string, Attached>): void {
  const tables = new Set<RefTable>();
  for (const current of attached.values())
    if (current.kind === "live") tables.add(current.selection.own).add(current.selection.shared);
  const live = new Set<string>();
  for (const table of tables) for (const refs of table.values()) for (const ref of refs.values()) live.add(refId(ref));
  for (const id of built.keys()) if (!live.has(id)) built.delete(id);
}

/** Builds anew what the change touches, and returns the ids of what came out different. */
function rebuild(built: Map<string, Built>, change: Affected, snapshot: Snapshot): ReadonlySet<string> {
  const different = new Set<string>();
  for (const [id, { ref, resource }] of built) {
    if (!isAffected(ref, change)) continue;
    const again = build(ref, snapshot);
    if (again.version === resource.version && (again.bytes === undefined) === (resource.bytes === undefined)) continue;
    built.set(id, { ref, resource: again });
    different.add(id);
  }
  return different;
}

function namesOf(selection: Selection, type: ResourceType): string[] {
  return [...new Set([...(selection.own.get(type)?.keys() ?? []), ...(selection.shared.get(type)?.keys() ?? [])])];
}

/** What is not as it was when the proxy's workload went. */
function thawedNames(
  frozen: ReadonlyMap<ResourceType, ReadonlyMap<string, Resource>>,
  selection: Selection,
  resourceOf: (ref: Ref) => Resource,
): ChangedNames {
  const changed = new Map<ResourceType, Set<string>>();
  for (const type of RESOURCE_TYPES) {
    const names = new Set([...(frozen.get(type)?.keys() ?? []), ...namesOf(selection, type)]);
    for (const name of names) {
      const ref = selectedRef(selection, type, name);
      if (frozen.get(type)?.get(name)?.version === (ref && resourceOf(ref).version)) names.delete(name);
    }
    if (names.size > 0) changed.set(type, names);
  }
  return changed;
}

function changedNames(before: Selection, after: Selection, rebuilt: ReadonlySet<string>): ChangedNames {
  const changed = new Map<ResourceType, Set<string>>();
  const add = (type: ResourceType, name: string) => {
    const names = changed.get(type);
    if (names === undefined) changed.set(type, new Set([name]));
    else names.add(name);
  };
  if (rebuilt.size > 0) for (const ref of selectedRefs(after)) if (rebuilt.has(refId(ref))) add(ref.type, ref.name);
  for (const [old, current] of [
    [before.own, after.own],
    [before.shared, after.shared],
  ] as const) {
    if (old === current) continue;
    for (const type of RESOURCE_TYPES)
      for (const name of new Set([...(old.get(type)?.keys() ?? []), ...(current.get(type)?.keys() ?? [])]))
        if (old.get(type)?.get(name)?.variant !== current.get(type)?.get(name)?.variant) add(type, name);
  }
  return changed;
}
