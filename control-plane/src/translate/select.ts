import { objectKey } from "../model/object-ref.js";
import type { Direction, Plugin } from "../model/plugin.js";
import { PHASES, type Phase } from "../model/plugin-manifest.js";
import type { Proxy } from "../model/proxy.js";
import type { ResourceType } from "../model/resource.js";
import { hasCandidate } from "../model/rollout.js";
import { ROUTE_SLOTS } from "../model/route-slots.js";
import { isHttp, mayBeHttp } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { appPort, inboundPort } from "../model/workload-ports.js";
import { TCP_POLICY_ACTIONS } from "./authorization-filters.js";
import { callerVariant } from "./caller-class.js";
import { calloutRefs } from "./callout-clusters.js";
import { capturedSites } from "./captured.js";
import { demandedRefs } from "./demanded.js";
import { classText, type DestinationClass, destinationClass } from "./destination-class.js";
import { destinationRefs } from "./destination-refs.js";
import { dnsListenerRefs } from "./dns-listener.js";
import { appSites, type InboundSite, inboundSites } from "./inbound-sites.js";
import { jwksRefs } from "./jwt-authentication.js";
import { mtlsModeAt } from "./mtls-mode.js";
import {
  ANY_PORT,
  IDENTITY_SECRET,
  inboundCluster,
  inboundListener,
  networkSlotName,
  OUTBOUND_LISTENER,
  OUTBOUND_PORT,
  OUTBOUND_ROUTES,
  portRoutes,
  routeSlotName,
  slotName,
  TRUST_SECRET,
  tcpPolicySlotName,
  VIRTUAL_INBOUND,
  VIRTUAL_OUTBOUND,
} from "./names.js";
import { networkPluginsAmong } from "./network-slots.js";
import { outboundModeOf } from "./outbound-policy.js";
import { phaseOf, pluginsFor, servedAt } from "./plugin-order.js";
import { authorizationPoliciesAt, type PolicySite, requestAuthenticationsAt } from "./policies.js";
import { portRoutesVariant } from "./port-routes.js";
import { type Ref, type RefTable, refTable, type SlotEntry, type SlotPolicies, slotVariant } from "./ref.js";
import { routeSlotsFor } from "./route-plugins.js";
import { isSent, routesVariant, type Scope, scopeOf } from "./scope.js";
import { serverRefs } from "./server-clusters.js";
import { telemetrySites } from "./telemetry-sites.js";
import { unheldRefs } from "./unheld-targets.js";

/** What one proxy should have: a part that is one object for all proxies of a class, and parts of its own. */
export interface Selection {
  readonly shared: RefTable;
  /** What of the rest no request can wait for: it is the same for all proxies of a class, too. */
  readonly unheld: RefTable;
  /** What it asked for beyond its scope. */
  readonly demanded: RefTable;
  /** With interception: the listeners that are the same for all such proxies of a class. */
  readonly captured: RefTable;
  readonly own: RefTable;
}

/** The policies that are enforced in a phase. */
type PhasePolicies = Readonly<Partial<Record<Phase, SlotPolicies>>>;

/** Chooses the resources of a proxy. */
export function select(snapshot: Snapshot, proxy: Proxy): Selection {
  return { ...selectShared(snapshot, proxy), own: ownRefs(snapshot, proxy) };
}

/** The parts of a selection that come from the proxy's scope. */
export function selectShared(snapshot: Snapshot, { workload, client }: Proxy): Omit<Selection, "own"> {
  const scope = scopeOf(snapshot, workload, client);
  const names = client?.kind === "incremental" ? client.demanded : NO_NAMES;
  const caller = destinationClass(snapshot, workload);
  return {
    shared: sharedRefs(snapshot, scope, caller),
    unheld: unheldRefs(snapshot, scope, { routes: callerVariant(snapshot, workload), destination: caller }),
    demanded: demandedRefs(snapshot, scope, { names, caller }),
    captured: capturedSites(snapshot, workload, scope).shared,
  };
}

const NO_NAMES: ReadonlySet<string> = new Set();

/** The parts of a selection. A name that several have means the same in all. */
export function tablesOf({ own, shared, unheld, demanded, captured }: Selection): readonly RefTable[] {
  return [own, shared, unheld, demanded, captured];
}

/** The ref under a name, or undefined where the proxy should have nothing of that name. */
export function selectedRef(selection: Selection, type: ResourceType, name: string): Ref | undefined {
  for (const table of tablesOf(selection)) {
    const ref = table.get(type)?.get(name);
    if (ref !== undefined) return ref;
  }
  return undefined;
}

/** All refs, in the order of their names within a type; the proxy's own first. */
export function* selectedRefs(selection: Selection): Iterable<Ref> {
  const before: RefTable[] = [];
  for (const table of tablesOf(selection)) {
    for (const refs of table.values())
      for (const ref of refs.values()) if (!before.some((other) => other.get(ref.type)?.has(ref.name))) yield ref;
    before.push(table);
  }
}

const rememberedShared = new WeakMap<Scope, { destinationRules: unknown; byClass: Map<string, RefTable> }>();

/** What is sent to all proxies of a scope and a class. Remembered, because all of them ask for it. */
function sharedRefs(snapshot: Snapshot, scope: Scope, caller: DestinationClass): RefTable {
  const { destinationRules } = snapshot;
  let known = rememberedShared.get(scope);
  if (known?.destinationRules !== destinationRules) {
    known = { destinationRules, byClass: new Map() };
    rememberedShared.set(scope, known);
  }
  const id = classText(caller);
  let refs = known.byClass.get(id);
  if (refs === undefined) {
    refs = refTable([
      ...scope.reachable.flatMap((service) => {
        const ports = service.ports.filter((port) => isSent(scope, service, port));
        return ports.length === 0 ? [] : destinationRefs(snapshot, service, ports, caller);
      }),
      ...[IDENTITY_SECRET, TRUST_SECRET].map((name): Ref => ({ type: "secret", name, variant: "" })),
    ]);
    known.byClass.set(id, refs);
  }
  return refs;
}

function ownRefs(snapshot: Snapshot, { key, workload, client }: Proxy): RefTable {
  const table = new Map<ResourceType, Map<string, Ref>>();
  const add = (ref: Ref) => {
    const refs = table.get(ref.type);
    if (refs === undefined) table.set(ref.type, new Map([[ref.name, ref]]));
    else refs.set(ref.name, ref);
  };

  /** All that run somewhere in this proxy. */
  const plugins = new Set<Plugin>();
  const addSlots = (
    direction: Direction,
    port: number,
    isHttp: boolean,
    policies: PhasePolicies = {},
    of: Workload = workload,
  ) => {
    const here = pluginsFor(snapshot, of, direction, port);
    for (const plugin of here) if (isHttp || plugin.type === "network") plugins.add(plugin);
    for (const plugin of networkPluginsAmong(snapshot, of, here)) {
      const variant = slotVariant([slotEntry(snapshot, plugin, key)]);
      add({ type: "extension", name: networkSlotName(objectKey(plugin)), variant });
    }
    if (isHttp) for (const ref of slotRefs(snapshot, { key, workload: of }, direction, port, here, policies)) add(ref);
  };
  /** All are there always, so that routes may wake any of them. */
  const addRouteSlots = () => {
    const filled = routeSlotsFor(snapshot, workload);
    for (const { plugins: here } of filled) for (const plugin of here) plugins.add(plugin);
    for (let slot = 0; slot < ROUTE_SLOTS; slot++) {
      const here = filled.find((candidate) => candidate.slot === slot)?.plugins ?? [];
      const variant = slotVariant(here.map((plugin) => slotEntry(snapshot, plugin, key)));
      add({ type: "extension", name: routeSlotName(slot), variant });
    }
  };
  const addServer = ({ workload: of, port, now }: InboundSite) => {
    const called = inboundPort(of, port);
    const site: PolicySite = { workload: of, now, port: called, appPort: appPort(of, port) };
    const authorization = authorizationPoliciesAt(snapshot, site);
    const authentications = mayBeHttp(port.protocol) ? requestAuthenticationsAt(snapshot, site) : [];
    addSlots(
      "server",
      called,
      mayBeHttp(port.protocol),
      {
        authn: { keys: authentications.map(objectKey) },
        authz: authorization,
      },
      of,
    );
    for (const authentication of authentications) for (const ref of jwksRefs(snapshot, authentication)) add(ref);
    // Where HTTP is spoken, an app's own TLS is not looked into.
    if (isHttp(port.protocol) && mtlsModeAt(snapshot, of, port) === "STRICT") return;
    addTcpPolicies(called, authorization);
  };
  const addTcpPolicies = (port: number, policies: SlotPolicies) => {
    for (const action of TCP_POLICY_ACTIONS)
      add({ type: "extension", name: tcpPolicySlotName(port, action), variant: slotVariant([], policies) });
  };

  const scope = scopeOf(snapshot, workload, client);
  const isCaptured = workload.interception === "redirect";
  const routes = routesVariant(callerVariant(snapshot, workload), scope);
  if (isCaptured) {
    const mode = outboundModeOf(snapshot, workload);
    for (const name of [VIRTUAL_OUTBOUND, VIRTUAL_INBOUND]) add({ type: "listener", name, variant: key });
    addTcpPolicies(ANY_PORT, authorizationPoliciesAt(snapshot, { workload, port: ANY_PORT }));
    const { own, sites } = capturedSites(snapshot, workload, scope);
    for (const { name } of own) add({ type: "listener", name, variant: key });
    for (const port of sites.httpPorts)
      add({ type: "routes", name: portRoutes(port), variant: portRoutesVariant(routes, mode) });
    // Where nothing but the mesh may be called, its own listener tells HTTP so.
    if (mode === "REGISTRY_ONLY") addSlots("client", OUTBOUND_PORT, true);
    if (mode === "REGISTRY_ONLY" || sites.httpPorts.length > 0) addRouteSlots();
    const ports = new Set(own.map(({ port }) => port));
    for (const port of ports) addSlots("client", port, sites.httpPorts.includes(port));
  } else {
    add({ type: "listener", name: OUTBOUND_LISTENER, variant: key });
    add({ type: "routes", name: OUTBOUND_ROUTES, variant: routes });
    addSlots("client", OUTBOUND_PORT, true);
    addRouteSlots();
  }

  for (const { workload: of, service, port } of appSites(snapshot, workload))
    add({
      type: "cluster",
      name: inboundCluster(inboundPort(of, port), service.host),
      variant: `${key} ${service.host}`,
    });
  const called = inboundSites(snapshot, workload);
  for (const site of called) {
    const name = inboundListener(inboundPort(site.workload, site.port));
    if (!isCaptured) add({ type: "listener", name, variant: `${key} ${site.service.host}` });
    addServer(site);
  }
  for (const ref of dnsListenerRefs(workload)) add(ref);
  for (const plugin of plugins) for (const ref of calloutRefs(snapshot, plugin)) add(ref);
  for (const of of new Set([workload, ...called.map((site) => site.workload)]))
    for (const site of telemetrySites(snapshot, of)) for (const ref of serverRefs(snapshot, site)) add(ref);
  return table;
}

/**
 * A slot's variant is the ordered list of its plugins, and for each whether it is the version in force or the one on
 * its way, after the list of its policies, so proxies with the same lists share the bytes.
 */
function slotRefs(
  snapshot: Snapshot,
  { key, workload }: Proxy,
  direction: Direction,
  port: number,
  here: readonly Plugin[],
  policies: PhasePolicies,
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
    variant: slotVariant(
      plugins.flatMap((plugin) => (plugin.phase === phase ? plugin.entry : [])),
      policies[phase],
    ),
  }));
}

/** What stands in a slot of a proxy for one plugin. */
function slotEntry(snapshot: Pick<Snapshot, "modules">, plugin: Plugin, proxyKey: string): SlotEntry {
  const key = objectKey(plugin);
  return { key, candidate: hasCandidate(snapshot.modules.get(key), key, proxyKey) };
}
