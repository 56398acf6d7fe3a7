import { compareStrings } from "../model/compare.js";
import type { Proxy, ProxyClient } from "../model/proxy.js";
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
import { withDemanded } from "./demanded.js";
import { type Ref, type RefTable, refId, slotEntries } from "./ref.js";
import { scopeOf } from "./scope.js";
import { type Selection, select, selectedRef, selectedRefs, tablesOf } from "./select.js";

/**
 * Translation that goes with a sequence of snapshots: builds what somebody asks for, once, and after a change only
 * what the change touches. What a proxy sees is always what `translate` would give it.
 */
export interface IncrementalTranslation {
  readonly snapshot: Snapshot;
  /**
   * Follows a proxy; undefined where the snapshot has no such workload. The view stays true across changes. A proxy
   * that is followed already keeps what it has demanded, unless it now speaks another protocol. Default: incremental.
   */
  attach(proxyKey: string, protocol?: ProxyClient["kind"]): ResourceView | undefined;
  detach(proxyKey: string): void;
  /** An attached proxy asks for clusters by name. Those that it may have are in its view from now on. */
  demand(proxyKey: string, clusters: Iterable<string>): void;
  /** How much an attached proxy has in scope, and what it has on demand. */
  scope(proxyKey: string): ProxyScope | undefined;
  /** The plugin slots of an attached proxy, with their plugins in order and the version that it should have. */
  slots(proxyKey: string): readonly Slot[];
  /** The version that an attached proxy should have under a name. */
  version(proxyKey: string, type: ResourceType, name: string): string | undefined;
  /** Moves on and tells, by attached proxy, the names whose content is no longer what it was. */
  apply(next: Snapshot): ReadonlyMap<string, ChangedNames>;
}

/** What a proxy has of the mesh. */
export interface ProxyScope {
  /** Services in scope, and all that the proxy may reach. */
  readonly services: number;
  readonly reachable: number;
  /** Names of the clusters beyond its scope that it asked for and has, in order. */
  readonly onDemand: readonly string[];
}

type Attached = { readonly client: ProxyClient } & (
  | { readonly kind: "live"; readonly selection: Selection }
  /** Its workload went; until its stream ends it keeps what it had then. */
  | { readonly kind: "frozen"; readonly resources: ReadonlyMap<ResourceType, ReadonlyMap<string, Resource>> }
);

/** The two pure functions that are run as rarely as possible. */
export interface TranslationSteps {
  readonly select: typeof select;
  readonly build: typeof build;
}

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

export function createIncrementalTranslation(
  initial: Snapshot,
  steps: TranslationSteps = { select, build },
): IncrementalTranslation {
  let snapshot = initial;
  const attached = new Map<string, Attached>();
  const built = new Map<string, Built>();

  const resourceOf = (ref: Ref): Resource => {
    const id = refId(ref);
    let entry = built.get(id);
    if (entry === undefined) {
      entry = { ref, resource: steps.build(ref, snapshot) };
      built.set(id, entry);
    }
    return entry.resource;
  };

  const selectionFor = (key: string, client: ProxyClient): Selection | undefined => {
    const workload = snapshot.workloads.get(key);
    return workload && steps.select(snapshot, { key, workload, client } satisfies Proxy);
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
    attach(proxyKey, protocol = "incremental") {
      const known = attached.get(proxyKey)?.client;
      const client = known?.kind === protocol ? known : clientOf(protocol);
      const selection = selectionFor(proxyKey, client);
      if (selection === undefined) return undefined;
      attached.set(proxyKey, { kind: "live", client, selection });
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
    demand(proxyKey, clusters) {
      const current = attached.get(proxyKey);
      if (current?.kind !== "live" || current.client.kind !== "incremental") return;
      const demanded = withDemanded(current.client.demanded, clusters);
      if (demanded === current.client.demanded) return;
      const client: ProxyClient = { kind: "incremental", demanded };
      const selection = selectionFor(proxyKey, client);
      if (selection !== undefined) attached.set(proxyKey, { kind: "live", client, selection });
    },
    scope(proxyKey) {
      const current = attached.get(proxyKey);
      const workload = snapshot.workloads.get(proxyKey);
      if (current?.kind !== "live" || workload === undefined) return undefined;
      const { hosts, reachable } = scopeOf(snapshot, workload, current.client);
      const onDemand = [...(current.selection.demanded.get("cluster")?.keys() ?? [])].sort(compareStrings);
      return { services: hosts.size, reachable: reachable.length, onDemand };
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
        const { client } = current;
        const selection = selectionFor(key, client);
        if (selection !== undefined) attached.set(key, { kind: "live", client, selection });
        else if (current.kind === "live")
          attached.set(key, { kind: "frozen", client, resources: freeze(current.selection, built) });
      }
      if (change.sharedSelection || change.proxies.size > 0) dropUnselected(built, attached);
      const rebuilt = rebuild(built, change, snapshot, steps.build);
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

function clientOf(protocol: ProxyClient["kind"]): ProxyClient {
  return protocol === "incremental" ? { kind: protocol, demanded: new Set() } : { kind: protocol };
}

function freeze(
  selection: Selection,
  built: ReadonlyMap<string, Built>,
): ReadonlyMap<ResourceType, ReadonlyMap<string, Resource>> {
  const resources = new Map<ResourceType, Map<string, Resource>>();
  for (const ref of selectedRefs(selection)) {
    const resource = built.get(refId(ref))?.resource;
    if (resource === undefined) continue;
    const ofType = resources.get(ref.type);
    if (ofType === undefined) resources.set(ref.type, new Map([[ref.name, resource]]));
    else ofType.set(ref.name, resource);
  }
  return resources;
}

/** Forgets what nobody selects any more. */
function dropUnselected(built: Map<string, Built>, attached: ReadonlyMap<string, Attached>): void {
  const tables = new Set<RefTable>();
  for (const current of attached.values())
    if (current.kind === "live") for (const table of tablesOf(current.selection)) tables.add(table);
  const live = new Set<string>();
  for (const table of tables) for (const refs of table.values()) for (const ref of refs.values()) live.add(refId(ref));
  for (const id of built.keys()) if (!live.has(id)) built.delete(id);
}

/** Builds anew what the change touches, and returns what came out different. */
function rebuild(
  built: Map<string, Built>,
  change: Affected,
  snapshot: Snapshot,
  buildOne: typeof build,
): readonly Ref[] {
  const different: Ref[] = [];
  for (const [id, { ref, resource }] of built) {
    if (!isAffected(ref, change)) continue;
    const again = buildOne(ref, snapshot);
    if (again.version === resource.version && (again.bytes === undefined) === (resource.bytes === undefined)) continue;
    built.set(id, { ref, resource: again });
    different.push(ref);
  }
  return different;
}

function namesOf(selection: Selection, type: ResourceType): string[] {
  return [...new Set(tablesOf(selection).flatMap((table) => [...(table.get(type)?.keys() ?? [])]))];
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

/** Costs what changed, not what the proxy has. */
function changedNames(before: Selection, after: Selection, rebuilt: readonly Ref[]): ChangedNames {
  const changed = new Map<ResourceType, Set<string>>();
  const add = ({ type, name }: Pick<Ref, "type" | "name">) => {
    const names = changed.get(type);
    if (names === undefined) changed.set(type, new Set([name]));
    else names.add(name);
  };
  for (const ref of rebuilt) if (selectedRef(after, ref.type, ref.name)?.variant === ref.variant) add(ref);
  const olds = tablesOf(before);
  tablesOf(after).forEach((table, position) => {
    const old = olds[position];
    if (old !== undefined && old !== table) for (const difference of differences(old, table)) add(difference);
  });
  return changed;
}

const rememberedDifferences = new WeakMap<RefTable, WeakMap<RefTable, readonly Pick<Ref, "type" | "name">[]>>();

/** Names whose refs are not equal in both. Remembered, because proxies of a class go from one table to another. */
function differences(before: RefTable, after: RefTable): readonly Pick<Ref, "type" | "name">[] {
  const known = rememberedDifferences.get(after)?.get(before);
  if (known !== undefined) return known;
  const found: Pick<Ref, "type" | "name">[] = [];
  for (const type of RESOURCE_TYPES) {
    const old = before.get(type);
    const current = after.get(type);
    for (const name of new Set([...(old?.keys() ?? []), ...(current?.keys() ?? [])]))
      if (old?.get(name)?.variant !== current?.get(name)?.variant) found.push({ type, name });
  }
  const ofTable = rememberedDifferences.get(after);
  if (ofTable === undefined) rememberedDifferences.set(after, new WeakMap([[before, found]]));
  else ofTable.set(before, found);
  return found;
}
