import { objectKey } from "../model/object-ref.js";
import type { Direction, Plugin } from "../model/plugin.js";
import { PHASES } from "../model/plugin-manifest.js";
import type { Proxy } from "../model/proxy.js";
import type { ResourceType } from "../model/resource.js";
import { hasCandidate } from "../model/rollout.js";
import { isHttp } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { calloutRefs } from "./callout-clusters.js";
import { servicesOf, sortedServices, subsetsOf } from "./mesh-index.js";
import {
  IDENTITY_SECRET,
  inboundCluster,
  inboundListener,
  networkSlotName,
  OUTBOUND_LISTENER,
  OUTBOUND_PORT,
  OUTBOUND_ROUTES,
  outboundCluster,
  slotName,
  TRUST_SECRET,
} from "./names.js";
import { networkPluginsAmong } from "./network-slots.js";
import { phaseOf, pluginsFor, servedAt } from "./plugin-order.js";
import { type Ref, type SlotEntry, slotVariant } from "./ref.js";

/** Refs by type and name. */
export type RefTable = ReadonlyMap<ResourceType, ReadonlyMap<string, Ref>>;

/** What one proxy should have: a part that is the same object for all proxies, and a part of its own. */
export interface Selection {
  readonly shared: RefTable;
  readonly own: RefTable;
}

/** Chooses the resources of a proxy. */
export function select(snapshot: Snapshot, proxy: Proxy): Selection {
  return { shared: sharedRefs(snapshot), own: ownRefs(snapshot, proxy) };
}

/** The ref under a name, or undefined where the proxy should have nothing of that name. */
export function selectedRef(selection: Selection, type: ResourceType, name: string): Ref | undefined {
  return selection.own.get(type)?.get(name) ?? selection.shared.get(type)?.get(name);
}

/** All refs, in the order of their names within a type; the proxy's own first. */
export function* selectedRefs(selection: Selection): Iterable<Ref> {
  for (const table of [selection.own, selection.shared])
    for (const refs of table.values()) for (const ref of refs.values()) yield ref;
}

let lastShared: { services: unknown; destinationRules: unknown; refs: RefTable } | undefined;

/** Every service of the mesh: scoping comes with the Sidecar resource. Remembered, because all proxies ask for it. */
function sharedRefs(snapshot: Snapshot): RefTable {
  const { services, destinationRules } = snapshot;
  if (lastShared?.services === services && lastShared.destinationRules === destinationRules) return lastShared.refs;
  const clusters = new Map<string, Ref>();
  const endpoints = new Map<string, Ref>();
  for (const service of sortedServices(services)) {
    const subsets = ["", ...subsetsOf(snapshot, service.host).map((subset) => subset.name)];
    for (const port of service.ports)
      for (const subset of subsets) {
        const name = outboundCluster(port.port, subset, service.host);
        clusters.set(name, { type: "cluster", name, variant: "" });
        endpoints.set(name, { type: "endpoints", name, variant: "" });
      }
  }
  const refs: RefTable = new Map([
    ["cluster", clusters],
    ["endpoints", endpoints],
    [
      "secret",
      new Map(
        [IDENTITY_SECRET, TRUST_SECRET].map((name) => [name, { type: "secret", name, variant: "" } satisfies Ref]),
      ),
    ],
  ]);
  lastShared = { services, destinationRules, refs };
  return refs;
}

function ownRefs(snapshot: Snapshot, { key, workload }: Proxy): RefTable {
  const table = new Map<ResourceType, Map<string, Ref>>();
  const add = (ref: Ref) => {
    const refs = table.get(ref.type);
    if (refs === undefined) table.set(ref.type, new Map([[ref.name, ref]]));
    else refs.set(ref.name, ref);
  };

  /** All that run somewhere in this proxy. */
  const plugins = new Set<Plugin>();
  const addSlots = (direction: Direction, port: number, isHttp: boolean) => {
    const here = pluginsFor(snapshot, workload, direction, port);
    for (const plugin of here) if (isHttp || plugin.type === "network") plugins.add(plugin);
    for (const plugin of networkPluginsAmong(snapshot, workload, here)) {
      const variant = slotVariant([slotEntry(snapshot, plugin, key)]);
      add({ type: "extension", name: networkSlotName(objectKey(plugin)), variant });
    }
    if (isHttp) for (const ref of slotRefs(snapshot, { key, workload }, direction, port, here)) add(ref);
  };

  add({ type: "listener", name: OUTBOUND_LISTENER, variant: key });
  add({ type: "routes", name: OUTBOUND_ROUTES, variant: workload.namespace });
  addSlots("client", OUTBOUND_PORT, true);

  for (const service of servicesOf(snapshot, workload))
    for (const port of service.ports) {
      // Two services on one port of one workload share its listener; the first by host defines it.
      if (table.get("listener")?.has(inboundListener(port.port))) continue;
      const variant = `${key} ${service.host}`;
      add({ type: "listener", name: inboundListener(port.port), variant });
      add({ type: "cluster", name: inboundCluster(port.port, service.host), variant });
      addSlots("server", port.port, isHttp(port.protocol));
    }
  for (const plugin of plugins) for (const ref of calloutRefs(snapshot, plugin)) add(ref);
  return table;
}

/**
 * A slot's variant is the ordered list of its plugins, and for each whether it is the version in force or the one on
 * its way, so proxies with the same list share the bytes.
 */
function slotRefs(
  snapshot: Snapshot,
  { key, workload }: Proxy,
  direction: Direction,
  port: number,
  here: readonly Plugin[],
): Ref[] {
  const plugins = here
    .filter(({ type }) => type === "http")
    .map((plugin) => ({
      phase: phaseOf(plugin, servedAt(snapshot, plugin, workload)),
      entry: slotEntry(snapshot, plugin, key),
    }));
  return PHASES.map((phase) => ({
    type: "extension",
    name: slotName(direction, port, phase),
    variant: slotVariant(plugins.flatMap((plugin) => (plugin.phase === phase ? plugin.entry : []))),
  }));
}

/** What stands in a slot of a proxy for one plugin. */
function slotEntry(snapshot: Pick<Snapshot, "modules">, plugin: Plugin, proxyKey: string): SlotEntry {
  const key = objectKey(plugin);
  return { key, candidate: hasCandidate(snapshot.modules.get(key), key, proxyKey) };
}
