import { sortedEntries } from "../model/compare.js";
import { memoByIdentity } from "../model/memo.js";
import { outboundMode, scopePolicy } from "../model/mesh-config.js";
import { objectKey } from "../model/object-ref.js";
import type { ProxyClient } from "../model/proxy.js";
import { isHttp, isVisibleIn, type Service, type ServicePort } from "../model/service.js";
import { type EgressHost, includesService, type Sidecar, sidecarFor } from "../model/sidecar.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { type CallerClass, callerClassOf } from "./caller-class.js";
import { sortedServices } from "./mesh-index.js";

/**
 * What callers of one class have of the mesh. Clusters of what is in scope are sent at once. Of the rest, those that
 * speak HTTP can be had on demand: Envoy asks for a cluster when the first request is routed to it.
 */
export interface Scope {
  /** Services that the callers may reach at all, in the order of their hosts. The routes have them all. */
  readonly reachable: readonly Service[];
  /** Hosts of those that are in scope. */
  readonly hosts: ReadonlySet<string>;
  /** The key of the Sidecar whose `egress` is all that the callers may reach; absent: more can be had on demand. */
  readonly closedBy?: string;
}

type ScopeInputs = Pick<Snapshot, "services" | "sidecars" | "meshConfigs" | "settings">;

/** Whether clusters of a port are sent without being asked for. What is not HTTP cannot be held until they come. */
export function isSent(scope: Scope, service: Service, port: ServicePort): boolean {
  return scope.hosts.has(service.host) || !isHttp(port.protocol);
}

/** The services that callers may reach, by their hosts. */
export const reachableByHost = memoByIdentity(
  (scope: Scope) => new Map(scope.reachable.map((service) => [service.host, service])),
);

/** The Sidecar that holds for a workload. */
export function sidecarOf(
  snapshot: Pick<Snapshot, "sidecars" | "settings">,
  workload: Pick<Workload, "namespace" | "labels">,
): Sidecar | undefined {
  const { rootNamespace } = snapshot.settings;
  const byNamespace = sidecarsByNamespace(snapshot.sidecars);
  const own = byNamespace.get(workload.namespace) ?? [];
  const ofRoot = workload.namespace === rootNamespace ? [] : (byNamespace.get(rootNamespace) ?? []);
  return own.length + ofRoot.length === 0 ? undefined : sidecarFor(workload, [...own, ...ofRoot], rootNamespace);
}

const sidecarsByNamespace = memoByIdentity((sidecars: Snapshot["sidecars"]) => {
  const byNamespace = new Map<string, Sidecar[]>();
  for (const [, sidecar] of sortedEntries(sidecars)) {
    const list = byNamespace.get(sidecar.namespace);
    if (list === undefined) byNamespace.set(sidecar.namespace, [sidecar]);
    else list.push(sidecar);
  }
  return byNamespace;
});

/** The scope of a workload. Workloads of one class get the same object, as long as nothing that it depends on changes. */
export function scopeOf(
  snapshot: ScopeInputs,
  workload: Pick<Workload, "namespace" | "labels">,
  client?: ProxyClient,
): Scope {
  const sidecar = sidecarOf(snapshot, workload);
  const isWhole = client?.kind === "state-of-the-world";
  const declared = sidecar?.egress === undefined ? undefined : sidecar;
  // Without anything declared, hidden or too large, the scope does not depend on the namespace.
  const isCommon =
    declared === undefined &&
    !hasHidden(snapshot.services) &&
    (isWhole || snapshot.services.size <= scopePolicy(snapshot).maxServices);
  const id = isCommon ? "*" : `${workload.namespace} ${declared ? objectKey(declared) : ""} ${isWhole ? "whole" : ""}`;
  const scopes = scopesOf(snapshot);
  let scope = scopes.get(id);
  if (scope === undefined) {
    scope = computeScope(snapshot, workload.namespace, declared, isWhole);
    scopes.set(id, scope);
  }
  return scope;
}

interface RememberedScopes {
  readonly sidecars: unknown;
  readonly meshConfigs: unknown;
  readonly scopes: Map<string, Scope>;
}

const remembered = new WeakMap<Snapshot["services"], RememberedScopes>();

function scopesOf({ services, sidecars, meshConfigs }: ScopeInputs): Map<string, Scope> {
  const known = remembered.get(services);
  if (known?.sidecars === sidecars && known.meshConfigs === meshConfigs) return known.scopes;
  const scopes = new Map<string, Scope>();
  remembered.set(services, { sidecars, meshConfigs, scopes });
  return scopes;
}

function computeScope(
  snapshot: ScopeInputs,
  namespace: string,
  declared: Sidecar | undefined,
  isWhole: boolean,
): Scope {
  const visible = visibleServices(snapshot, namespace);
  const egress = declared?.egress;
  if (declared !== undefined && egress !== undefined) {
    const named = visible.filter((service) => isNamed(egress, service));
    if (isClosed(snapshot, declared)) return { reachable: named, hosts: hostsOf(named), closedBy: objectKey(declared) };
    return { reachable: visible, hosts: hostsOf(isWhole ? visible : named) };
  }
  const isSmall = visible.length <= scopePolicy(snapshot).maxServices;
  const inScope = isWhole || isSmall ? visible : visible.filter((service) => service.namespace === namespace);
  return { reachable: visible, hosts: hostsOf(inScope) };
}

function hostsOf(services: readonly Service[]): ReadonlySet<string> {
  return new Set(services.map(({ host }) => host));
}

function isNamed(egress: readonly EgressHost[], service: Service): boolean {
  return egress.some((entry) => includesService(entry, service));
}

/** Whether callers may reach nothing but what the Sidecar names. */
export function isClosed(snapshot: Pick<Snapshot, "meshConfigs" | "settings">, sidecar: Sidecar): boolean {
  const mode = sidecar.outbound ?? outboundMode(snapshot.meshConfigs, snapshot.settings.rootNamespace);
  return sidecar.egress !== undefined && mode === "REGISTRY_ONLY";
}

/** The services that callers of a namespace see, in the order of their hosts. */
export function visibleServices(snapshot: Pick<Snapshot, "services">, namespace: string): readonly Service[] {
  const services = sortedServices(snapshot.services);
  return hasHidden(snapshot.services) ? services.filter((service) => isVisibleIn(service, namespace)) : services;
}

const hasHidden = memoByIdentity((services: Snapshot["services"]): boolean =>
  [...services.values()].some(({ exportTo }) => !exportTo.includes("*")),
);

/** The variant of the routes of a caller: its class, and the Sidecar that bounds what it may reach, if one does. */
export function routesVariant(caller: string, scope: Scope): string {
  return scope.closedBy === undefined ? caller : `${caller} ${scope.closedBy}`;
}

/** Whether a Service is among those of a variant of the routes. */
export function reachesService(snapshot: ScopeInputs, variant: string, service: Service): boolean {
  const [text = "", closedBy] = variant.split(" ");
  const egress = closedBy === undefined ? undefined : snapshot.sidecars.get(closedBy)?.egress;
  return isVisibleIn(service, callerClassOf(text).namespace) && (egress === undefined || isNamed(egress, service));
}

/** What a variant of the routes says: whose routes they are, and the services in them. */
export function routesSite(
  snapshot: ScopeInputs,
  variant: string,
): { readonly caller: CallerClass; readonly services: readonly Service[] } {
  const [text = "", closedBy] = variant.split(" ");
  const caller = callerClassOf(text);
  const visible = visibleServices(snapshot, caller.namespace);
  const egress = closedBy === undefined ? undefined : snapshot.sidecars.get(closedBy)?.egress;
  return { caller, services: egress === undefined ? visible : visible.filter((s) => isNamed(egress, s)) };
}
