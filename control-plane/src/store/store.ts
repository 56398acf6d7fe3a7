import { sortedEntries } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { EndpointSlice } from "../model/endpoint-slice.js";
import type { MeshObject } from "../model/mesh-object.js";
import type { MeshSettings } from "../model/mesh-settings.js";
import type { ModuleState } from "../model/module-state.js";
import { type ObjectRef, objectKey } from "../model/object-ref.js";
import { routeSlots } from "../model/route-slots.js";
import { type Service, serviceHost } from "../model/service.js";
import type { ServiceEntry } from "../model/service-entry.js";
import { emptySnapshot, type Snapshot } from "../model/snapshot.js";
import type { VirtualService } from "../model/virtual-service.js";
import { checkAppPorts } from "./app-ports.js";
import { checkGatewayRoutes } from "./gateway-references.js";
import { announceLast, nextHandovers } from "./handovers.js";
import { checkMeshConfigs } from "./mesh-configs.js";
import { checkPluginReferences } from "./plugin-references.js";
import { checkWorkloadNames, mergeWorkloads, NO_PARTS, type WorkloadParts, withSlice } from "./pods.js";
import { checkPolicies } from "./policy-references.js";
import { checkClientPorts, checkRuleHost, checkSharedRules } from "./references.js";
import { checkServiceHosts, mergeServices } from "./service-hosts.js";
import { checkSidecars } from "./sidecars.js";
import { checkTelemetry } from "./telemetry-references.js";
import { checkHosts, checkInForce, checkVirtualService } from "./virtual-service-references.js";

/** One thing that a source saw. */
export type StoreChange =
  | { readonly kind: "apply"; readonly object: MeshObject }
  | { readonly kind: "delete"; readonly ref: ObjectRef };

/** What the store tells after each change of anything. */
export interface StoreEvent {
  readonly snapshot: Snapshot;
  /** All that is wrong between objects now, in a stable order. */
  readonly diagnostics: readonly Diagnostic[];
}

/** The one writer of snapshots. Every method publishes at most one event, and none when nothing changed. */
export interface Store {
  readonly current: StoreEvent;
  apply(changes: readonly StoreChange[]): void;
  /** Undefined forgets the module. */
  setModules(states: ReadonlyMap<string, ModuleState | undefined>): void;
  setTrustBundle(pem: string): void;
  /**
   * From now on, what workloads join and leave is handed over: callers are told of an endpoint when its sidecar listens,
   * and a sidecar listens until callers know that an endpoint is gone. What is there now counts as announced. With
   * `joining` false others say who is ready, and nothing that joins is waited for.
   */
  beginHandovers(options: { readonly joining: boolean }): void;
  /** What was waited for has come, or is not waited for any more. */
  setHandovers(handovers: Snapshot["handovers"]): void;
  /** Calls back after each change, in order, synchronously. */
  subscribe(listener: (event: StoreEvent) => void): () => void;
}

/** Objects as the user wrote them, where the snapshot has what follows from them together with others. */
interface Desired {
  /** The snapshot has only those whose references hold. */
  readonly virtualServices: ReadonlyMap<string, VirtualService>;
  /** By host. The snapshot has them together with the hosts of the ServiceEntries. */
  readonly services: ReadonlyMap<string, Service>;
  readonly serviceEntries: ReadonlyMap<string, ServiceEntry>;
  /** The snapshot has them by the host of their Service. */
  readonly endpointSlices: ReadonlyMap<string, EndpointSlice>;
  /** The snapshot has the workloads that they make together. */
  readonly parts: WorkloadParts;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** `inForce` are VirtualServices that an earlier run had put in force, for objects whose references do not hold now. */
export function createStore(
  settings: MeshSettings,
  trustBundle: string,
  inForce: readonly VirtualService[] = [],
): Store {
  let current: StoreEvent = {
    snapshot: {
      ...emptySnapshot(settings, trustBundle),
      virtualServices: new Map(inForce.map((virtualService) => [objectKey(virtualService), virtualService])),
    },
    diagnostics: [],
  };
  let desired: Desired = {
    virtualServices: new Map(),
    services: new Map(),
    serviceEntries: new Map(),
    endpointSlices: new Map(),
    parts: NO_PARTS,
  };
  let handsOver: { readonly joining: boolean } | undefined;
  const listeners = new Set<(event: StoreEvent) => void>();

  const publish = (snapshot: Snapshot, diagnostics: readonly Diagnostic[]) => {
    current = { snapshot, diagnostics };
    for (const listener of listeners) listener(current);
  };

  return {
    get current() {
      return current;
    },
    apply(changes) {
      const next = applyChanges(current.snapshot, desired, changes);
      if (next === undefined) return;
      desired = next.desired;
      const { virtualServices, diagnostics } = settle(current.snapshot.virtualServices, desired, next.snapshot);
      const handovers =
        handsOver === undefined
          ? next.snapshot.handovers
          : nextHandovers(current.snapshot, next.snapshot, handsOver.joining);
      publish({ ...next.snapshot, virtualServices, handovers }, diagnostics);
    },
    setModules(states) {
      const modules = new Map(current.snapshot.modules);
      for (const [key, state] of states)
        if (state === undefined) modules.delete(key);
        else modules.set(key, state);
      if (sameEntries(modules, current.snapshot.modules)) return;
      publish({ ...current.snapshot, modules }, current.diagnostics);
    },
    setTrustBundle(pem) {
      if (pem !== current.snapshot.trustBundle) publish({ ...current.snapshot, trustBundle: pem }, current.diagnostics);
    },
    beginHandovers(options) {
      handsOver = options;
    },
    setHandovers(settled) {
      const handovers = announceLast({ ...current.snapshot, handovers: settled });
      if (!sameEntries(handovers, current.snapshot.handovers))
        publish({ ...current.snapshot, handovers }, current.diagnostics);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Copies only the kinds that change; undefined when none does. */
function applyChanges(
  snapshot: Snapshot,
  desired: Desired,
  changes: readonly StoreChange[],
): { readonly snapshot: Snapshot; readonly desired: Desired } | undefined {
  const next: Mutable<Snapshot> = { ...snapshot };
  const wanted: Mutable<Desired> = { ...desired };
  const parts: Mutable<WorkloadParts> = { ...desired.parts };
  const copies = new Set<unknown>();
  let changed = false;

  /** The map with the entry set, or gone when there is no value; copied on the first write. */
  const edited = <V>(map: ReadonlyMap<string, V>, key: string, value: V | undefined): ReadonlyMap<string, V> => {
    if (map.get(key) === value) return map;
    changed = true;
    const copy = copies.has(map) ? (map as Map<string, V>) : new Map(map);
    copies.add(copy);
    if (value === undefined) copy.delete(key);
    else copy.set(key, value);
    return copy;
  };

  for (const change of changes) {
    const ref = change.kind === "delete" ? change.ref : { kind: change.object.kind, ...nameOf(change.object) };
    const key = objectKey(ref);
    const object = change.kind === "delete" ? undefined : change.object;
    const valueOf = <K extends MeshObject["kind"]>(kind: K) =>
      object?.kind === kind ? (object.value as Extract<MeshObject, { kind: K }>["value"]) : undefined;
    switch (ref.kind) {
      case "Service":
        wanted.services = edited(wanted.services, serviceHost(ref.name, ref.namespace), valueOf("Service"));
        break;
      case "ServiceEntry":
        wanted.serviceEntries = edited(wanted.serviceEntries, key, valueOf("ServiceEntry"));
        break;
      case "WorkloadEntry":
        parts.entries = edited(parts.entries, key, valueOf("WorkloadEntry"));
        break;
      case "Pod":
        parts.pods = edited(parts.pods, key, valueOf("Pod"));
        break;
      case "Node":
        parts.nodes = edited(parts.nodes, ref.name, valueOf("Node"));
        break;
      case "EndpointSlice": {
        const slice = valueOf("EndpointSlice");
        const before = wanted.endpointSlices.get(key);
        for (const host of new Set([before?.host, slice?.host]))
          if (host !== undefined && before !== slice)
            next.endpointSlices = edited(
              next.endpointSlices,
              host,
              withSlice(next.endpointSlices.get(host), host, before, slice),
            );
        wanted.endpointSlices = edited(wanted.endpointSlices, key, slice);
        break;
      }
      case "DestinationRule":
        next.destinationRules = edited(next.destinationRules, key, valueOf("DestinationRule"));
        break;
      case "VirtualService":
        wanted.virtualServices = edited(wanted.virtualServices, key, valueOf("VirtualService"));
        break;
      case "Sidecar":
        next.sidecars = edited(next.sidecars, key, valueOf("Sidecar"));
        break;
      case "PeerAuthentication":
        next.peerAuthentications = edited(next.peerAuthentications, key, valueOf("PeerAuthentication"));
        break;
      case "AuthorizationPolicy":
        next.authorizationPolicies = edited(next.authorizationPolicies, key, valueOf("AuthorizationPolicy"));
        break;
      case "RequestAuthentication":
        next.requestAuthentications = edited(next.requestAuthentications, key, valueOf("RequestAuthentication"));
        break;
      case "WasmPlugin":
        next.plugins = edited(next.plugins, key, valueOf("WasmPlugin"));
        break;
      case "HTTPRoute":
        next.httpRoutes = edited(next.httpRoutes, key, valueOf("HTTPRoute"));
        break;
      case "GRPCRoute":
        next.grpcRoutes = edited(next.grpcRoutes, key, valueOf("GRPCRoute"));
        break;
      case "ReferenceGrant":
        next.referenceGrants = edited(next.referenceGrants, key, valueOf("ReferenceGrant"));
        break;
      case "Telemetry":
        next.telemetries = edited(next.telemetries, key, valueOf("Telemetry"));
        break;
      case "MeshConfig":
        next.meshConfigs = edited(next.meshConfigs, key, valueOf("MeshConfig"));
        break;
      case "Secret":
        next.secrets = edited(next.secrets, key, valueOf("Secret"));
        break;
    }
  }
  if (wanted.services !== desired.services || wanted.serviceEntries !== desired.serviceEntries)
    next.services = mergeServices(snapshot.services, wanted.services, wanted.serviceEntries);
  next.workloads = mergeWorkloads(snapshot.workloads, desired.parts, parts);
  wanted.parts = parts;
  return changed ? { snapshot: next, desired: wanted } : undefined;
}

function nameOf(object: MeshObject): { namespace: string; name: string } {
  return { namespace: object.value.namespace, name: object.value.name };
}

/**
 * Puts in force what the references allow: an object that names something missing leaves its last good version in
 * place, as long as that one's references still hold.
 */
function settle(
  inForce: ReadonlyMap<string, VirtualService>,
  desired: Desired,
  context: Snapshot,
): { readonly virtualServices: ReadonlyMap<string, VirtualService>; readonly diagnostics: readonly Diagnostic[] } {
  const virtualServices = new Map<string, VirtualService>();
  const diagnostics: Diagnostic[] = [];
  // Those that others delegate to come first: what is in force of them decides about the others.
  const isDelegate = ({ hosts }: VirtualService) => hosts.length === 0;
  const inOrder = sortedEntries(desired.virtualServices);
  const delegatesFirst = [...inOrder.filter(([, v]) => isDelegate(v)), ...inOrder.filter(([, v]) => !isDelegate(v))];
  const delegates = new Map<string, VirtualService>();
  const references = { services: context.services, destinationRules: context.destinationRules, delegates };
  for (const [key, wanted] of delegatesFirst) {
    const problems = checkVirtualService(wanted, references);
    diagnostics.push(...problems, ...checkHosts(wanted, context.services));
    const previous = inForce.get(key);
    const holds =
      previous !== undefined && problems.length > 0 && checkVirtualService(previous, references).length === 0;
    const settled = problems.length === 0 ? wanted : holds ? previous : undefined;
    if (settled === undefined) continue;
    virtualServices.set(key, settled);
    if (isDelegate(settled)) delegates.set(key, settled);
  }
  const slots = routeSlots(context);
  diagnostics.push(
    // What is not in force has no claim: another object has its hosts meanwhile.
    ...checkInForce(virtualServices, context.services),
    ...sortedEntries(context.destinationRules).flatMap(([, rule]) => checkRuleHost(rule, context.services)),
    ...checkSharedRules(context.destinationRules),
    ...checkServiceHosts(desired.services, desired.serviceEntries),
    ...checkWorkloadNames(desired.parts),
    ...checkAppPorts(context.workloads, context.services),
    ...checkPolicies(context),
    ...checkSidecars(context.sidecars, context.services),
    ...checkMeshConfigs(context.meshConfigs, context.settings.rootNamespace),
    ...checkGatewayRoutes({ ...context, virtualServices }),
    ...checkTelemetry(context),
    ...sortedEntries(context.plugins).flatMap(([, plugin]) => [
      ...checkClientPorts(plugin, context.workloads, context.settings.rootNamespace),
      ...checkPluginReferences(plugin, context, slots),
    ]),
  );
  return { virtualServices: sameEntries(virtualServices, inForce) ? inForce : virtualServices, diagnostics };
}

function sameEntries<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
