import { servicesAround } from "../model/membership.js";
import { outboundMode, scopePolicy, telemetryDefaults } from "../model/mesh-config.js";
import { objectKey } from "../model/object-ref.js";
import { type Attachment, attachesTo, type Plugin } from "../model/plugin.js";
import type { ResourceType } from "../model/resource.js";
import { hasCandidate, servedTo } from "../model/rollout.js";
import { type Labels, matchesLabels } from "../model/selector.js";
import type { Service } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { TelemetryDefaults } from "../model/telemetry.js";
import type { Workload } from "../model/workload.js";
import { sourceLabelSets } from "./caller-class.js";
import { calloutRefs } from "./callout-clusters.js";
import { changedSites, hasCaptured, portsWithRoutes, sitesOfSeveral } from "./captured-changes.js";
import { coveredServices, subsetNamesOf } from "./destination-rules.js";
import { jwksRefs } from "./jwt-authentication.js";
import { calloutsTo, keyServersAt, requirements } from "./mesh-index.js";
import {
  DNS_LISTENER,
  IDENTITY_SECRET,
  OUTBOUND_ROUTES,
  outboundCluster,
  PUBLIC_TRUST_SECRET,
  portRoutes,
  TRUST_SECRET,
  VIRTUAL_OUTBOUND,
} from "./names.js";
import { type Ref, slotEntries, slotPolicies } from "./ref.js";
import { calledSlotsText, runsOnRoutesOf } from "./route-plugins.js";
import { routeSlotsOf } from "./route-slots.js";
import { isClosed } from "./scope.js";
import { serverRefs } from "./server-clusters.js";
import { aliasesOf } from "./service-discovery.js";
import { providerSite, providersTo } from "./telemetry-sites.js";
import { differInUnheldTargets } from "./unheld-targets.js";

/**
 * What a change of snapshots can have changed. It may say too much, never too little: whatever it leaves out is equal
 * in both, byte for byte.
 */
export interface Affected {
  /** Shared resources by type and name, whatever their variant. */
  readonly names: ReadonlyMap<ResourceType, ReadonlySet<string>>;
  /** Plugins whose slots have new content. */
  readonly plugins: ReadonlySet<string>;
  /** Policies whose filters have new content. */
  readonly policies: ReadonlySet<string>;
  /** Proxies whose own resources, or whose choice of resources, may differ. */
  readonly proxies: ReadonlySet<string>;
  /** Whether the part of the selection that is the same for all proxies may differ. */
  readonly sharedSelection: boolean;
}

/** Whether a built resource may be stale. */
export function isAffected(ref: Ref, affected: Affected): boolean {
  if (affected.names.get(ref.type)?.has(ref.name)) return true;
  if (ref.type === "extension")
    return (
      slotEntries(ref).some(({ key }) => affected.plugins.has(key)) ||
      slotPolicies(ref).keys.some((key) => affected.policies.has(key))
    );
  // The variant of a proxy's own resource begins with the proxy's key.
  return ref.variant !== "" && affected.proxies.has(ref.variant.split(" ")[0] ?? "");
}

/** Compares two snapshots kind by kind; kinds that did not change cost nothing. */
export function affected(prev: Snapshot, next: Snapshot): Affected {
  const names = new Map<ResourceType, Set<string>>();
  const plugins = new Set<string>();
  const policies = new Set<string>();
  const proxies = new Set<string>();
  let sharedSelection = false;

  const add = (type: ResourceType, name: string) => {
    const set = names.get(type);
    if (set === undefined) names.set(type, new Set([name]));
    else set.add(name);
  };
  const addRoutes = () => {
    add("routes", OUTBOUND_ROUTES);
    for (const snapshot of [prev, next])
      for (const port of portsWithRoutes(snapshot.services)) add("routes", portRoutes(port));
  };
  /** The service's clusters or endpoints, with the subsets that it has on either side of the change. */
  const addService = (service: Service | undefined, ...types: ("cluster" | "endpoints")[]) => {
    if (service === undefined) return;
    for (const snapshot of [prev, next])
      for (const cluster of [calloutsTo, keyServersAt, providersTo].flatMap((find) => find(snapshot, service.host)))
        for (const type of types) add(type, cluster);
    // What is another name for the service has the same endpoints.
    for (const { ports, host } of [service, ...[prev, next].flatMap((snapshot) => aliasesOf(snapshot, service.host))]) {
      const subsets = new Set(["", ...[prev, next].flatMap((s) => subsetNamesOf(s, host))]);
      for (const port of ports)
        for (const subset of subsets) for (const type of types) add(type, outboundCluster(port.port, subset, host));
    }
  };
  const addWorkloads = (concerns: (workload: Workload) => boolean) => {
    for (const snapshot of [prev, next])
      for (const [key, workload] of snapshot.workloads) if (concerns(workload)) proxies.add(key);
    // A port that a workload has left is as it was then.
    for (const snapshot of [prev, next])
      for (const [key, { leaving }] of snapshot.handovers)
        if (leaving.some(({ workload }) => concerns(workload))) proxies.add(key);
  };

  for (const [, before, after] of changes(prev.services, next.services)) {
    sharedSelection = true;
    addService(before, "cluster", "endpoints");
    addService(after, "cluster", "endpoints");
    addRoutes();
    add("listener", DNS_LISTENER);
    for (const service of [before, after])
      if (service !== undefined)
        addWorkloads((w) => w.namespace === service.namespace && matchesLabels(service.selector, w.labels));
  }
  for (const [, before, after] of changes(prev.destinationRules, next.destinationRules)) {
    sharedSelection = true;
    for (const host of new Set([before?.host, after?.host]))
      if (host !== undefined)
        for (const snapshot of [prev, next])
          for (const service of coveredServices(snapshot, host)) addService(service, "cluster", "endpoints");
    addRoutes();
  }
  for (const _ of changes(prev.virtualServices, next.virtualServices)) addRoutes();
  if (differInUnheldTargets(prev, next)) sharedSelection = true;
  const asked = changedLabelSets(prev, next);
  if (asked.length > 0) addWorkloads(({ labels }) => asked.some((selector) => matchesLabels(selector, labels)));

  for (const [, before, after] of changes(prev.sidecars, next.sidecars))
    for (const sidecar of [before, after])
      if (sidecar !== undefined) {
        const isOfAll = sidecar.namespace === next.settings.rootNamespace;
        addWorkloads((workload) => isOfAll || workload.namespace === sidecar.namespace);
        // Of the routes, only those that a Sidecar bounds depend on it.
        if (![prev, next].some((snapshot) => isClosed(snapshot, sidecar))) continue;
        addRoutes();
        for (const name of sitesOfSeveral(prev, next)) add("listener", name);
      }
  if (scopePolicy(prev) !== scopePolicy(next)) sharedSelection = true;
  const mode = (snapshot: Snapshot) => outboundMode(snapshot.meshConfigs, snapshot.settings.rootNamespace);
  // It closes the scopes of Sidecars that say nothing of it themselves, and what is done with unknown addresses.
  if (mode(prev) !== mode(next)) addWorkloads(() => true);

  if (hasCaptured(prev.workloads) || hasCaptured(next.workloads)) {
    for (const name of changedSites(prev, next)) {
      sharedSelection = true;
      add("listener", name);
      add("listener", VIRTUAL_OUTBOUND);
    }
  }

  for (const [key, before, after] of changes(prev.workloads, next.workloads)) {
    proxies.add(key);
    for (const [workload, snapshot] of [
      [before, prev],
      [after, next],
    ] as const)
      if (workload !== undefined)
        for (const service of servicesAround(snapshot, workload)) {
          addService(service, "cluster", "endpoints");
          // Of these DNS tells the addresses of the workloads.
          if (service.resolution.kind === "headless") add("listener", DNS_LISTENER);
        }
  }
  for (const [host] of changes(prev.endpointSlices, next.endpointSlices)) {
    const service = next.services.get(host);
    // A service that is new, or another, is built whole already.
    if (service === undefined || service !== prev.services.get(host)) continue;
    addService(service, "cluster", "endpoints");
    if (service.resolution.kind === "headless") add("listener", DNS_LISTENER);
  }
  for (const [key, before, after] of changes(prev.handovers, next.handovers)) {
    proxies.add(key);
    // The service may have become another since.
    for (const handover of [before, after])
      for (const { service: was } of handover === undefined ? [] : [...handover.joining.values(), ...handover.leaving])
        for (const service of [was, prev.services.get(was.host), next.services.get(was.host)]) {
          addService(service, "cluster", "endpoints");
          if (service?.resolution.kind === "headless") add("listener", DNS_LISTENER);
        }
  }
  for (const [, before, after] of changes(prev.peerAuthentications, next.peerAuthentications)) {
    const { rootNamespace } = next.settings;
    const concerns = (namespace: string) =>
      [before, after].some((p) => p !== undefined && (p.namespace === namespace || p.namespace === rootNamespace));
    for (const service of next.services.values())
      if (concerns(service.namespace))
        // Where callers choose the address, they use mTLS if all workloads of the service do.
        addService(service, "endpoints", ...(isChosenByCallers(service) ? (["cluster"] as const) : []));
    addWorkloads((workload) => concerns(workload.namespace));
  }

  for (const kind of ["authorizationPolicies", "requestAuthentications"] as const)
    for (const [key, before, after] of changes<Attachment>(prev[kind], next[kind])) {
      policies.add(key);
      const scopes = [before, after].filter((policy) => policy !== undefined);
      addWorkloads((w) => scopes.some((policy) => attachesTo(policy, w, next.settings.rootNamespace)));
    }
  for (const kind of ["httpRoutes", "grpcRoutes", "referenceGrants"] as const)
    if (prev[kind] !== next[kind]) addRoutes();
  if ((["httpRoutes", "grpcRoutes", "plugins"] as const).some((kind) => prev[kind] !== next[kind])) {
    if (!sameSlots(prev, next)) addRoutes();
    if ([prev, next].some((snapshot) => routeSlotsOf(snapshot).slots.size > 0))
      addWorkloads((w) => calledSlotsText(prev, w) !== calledSlotsText(next, w));
  }
  for (const [, before, after] of changes(prev.telemetries, next.telemetries))
    addWorkloads((w) =>
      [before, after].some((t) => t?.namespace === w.namespace || t?.namespace === next.settings.rootNamespace),
    );
  if (prev.meshConfigs !== next.meshConfigs && telemetryOfMesh(prev) !== telemetryOfMesh(next)) {
    for (const snapshot of [prev, next])
      for (const provider of telemetryOfMesh(snapshot).providers) {
        const site = providerSite(snapshot, provider);
        for (const { type, name } of site === undefined ? [] : serverRefs(snapshot, site)) add(type, name);
      }
    addWorkloads(() => true);
  }

  const isFor = (plugin: Plugin, w: Workload) =>
    attachesTo(plugin, w, next.settings.rootNamespace) ||
    [prev, next].some((snapshot) => runsOnRoutesOf(snapshot, w, plugin));
  const addCallouts = (plugin: Plugin) => {
    for (const { type, name } of [prev, next].flatMap((snapshot) => calloutRefs(snapshot, plugin))) add(type, name);
  };
  for (const [key, before, after] of changes(prev.plugins, next.plugins)) {
    plugins.add(key);
    for (const plugin of [before, after]) if (plugin !== undefined) addCallouts(plugin);
    for (const plugin of [before, after]) if (plugin !== undefined) addWorkloads((w) => isFor(plugin, w));
  }
  for (const [key, before, after] of changes(prev.modules, next.modules))
    for (const plugin of [prev.plugins.get(key), next.plugins.get(key)])
      if (plugin !== undefined)
        addWorkloads((w) => {
          if (!isFor(plugin, w)) return false;
          const proxyKey = objectKey(w);
          const same =
            servedTo(before, key, proxyKey) === servedTo(after, key, proxyKey) &&
            hasCandidate(before, key, proxyKey) === hasCandidate(after, key, proxyKey);
          if (!same) plugins.add(key);
          return !same;
        });
  if (prev.modules !== next.modules && !sameSet(requirements(prev), requirements(next))) addRoutes();

  if (prev.trustBundle !== next.trustBundle) add("secret", TRUST_SECRET);
  if (prev.settings !== next.settings) {
    // Settings come from flags and change with a restart only; then everything may differ.
    sharedSelection = true;
    add("secret", IDENTITY_SECRET);
    add("secret", PUBLIC_TRUST_SECRET);
    for (const plugin of next.plugins.values()) addCallouts(plugin);
    for (const [key, authentication] of next.requestAuthentications) {
      policies.add(key);
      for (const { type, name } of jwksRefs(next, authentication)) add(type, name);
    }
    for (const key of next.authorizationPolicies.keys()) policies.add(key);
    for (const snapshot of [prev, next])
      for (const service of snapshot.services.values()) addService(service, "cluster", "endpoints");
    addRoutes();
    addWorkloads(() => true);
  }
  return { names, plugins, policies, proxies, sharedSelection };
}

function isChosenByCallers({ resolution: { kind } }: Service): boolean {
  return kind === "headless" || kind === "original";
}

function telemetryOfMesh({ meshConfigs, settings }: Snapshot): TelemetryDefaults {
  return telemetryDefaults(meshConfigs, settings.rootNamespace);
}

/** Label sets that rules ask of callers in one of two snapshots only: these callers change their class. */
function changedLabelSets(prev: Snapshot, next: Snapshot): readonly Labels[] {
  if (prev.virtualServices === next.virtualServices) return [];
  const [before, after] = [sourceLabelSets(prev), sourceLabelSets(next)];
  return [...[...before].filter(([text]) => !after.has(text)), ...[...after].filter(([text]) => !before.has(text))].map(
    ([, selector]) => selector,
  );
}

/** The keys whose values are not the same object, with both values. */
function* changes<T>(
  prev: ReadonlyMap<string, T>,
  next: ReadonlyMap<string, T>,
): Iterable<[key: string, before: T | undefined, after: T | undefined]> {
  if (prev === next) return;
  for (const [key, before] of prev) if (next.get(key) !== before) yield [key, before, next.get(key)];
  for (const [key, after] of next) if (!prev.has(key)) yield [key, undefined, after];
}

/** Whether all routes have the same slot in both snapshots, and the same are closed. */
function sameSlots(prev: Snapshot, next: Snapshot): boolean {
  const [before, after] = [routeSlotsOf(prev), routeSlotsOf(next)];
  return (
    before.slots.size === after.slots.size &&
    [...before.slots].every(([id, { slot }]) => after.slots.get(id)?.slot === slot) &&
    sameSet(before.closed, after.closed)
  );
}

function sameSet<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  return a.size === b.size && [...a].every((element) => b.has(element));
}
