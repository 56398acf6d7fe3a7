import { sortedEntries } from "../model/compare.js";
import {
  compareHosts,
  coversHost,
  type DestinationRule,
  isExportedTo,
  type Subset,
} from "../model/destination-rule.js";
import { memoByIdentity } from "../model/memo.js";
import type { Service } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { policyFor, type TrafficPolicy } from "../model/traffic-policy.js";

type Rules = Pick<Snapshot, "destinationRules" | "settings">;
type Callee = Pick<Service, "namespace" | "host">;

/** Rules in the order in which they are tried. */
interface OrderedRules {
  readonly byHost: Map<string, DestinationRule[]>;
  /** Those of suffixes, the longest first. */
  readonly wide: DestinationRule[];
}

const rulesByNamespace = memoByIdentity((rules: Snapshot["destinationRules"]) => {
  const namespaces = new Map<string, OrderedRules>();
  for (const [, rule] of sortedEntries(rules)) {
    const own = namespaces.get(rule.namespace) ?? { byHost: new Map(), wide: [] };
    namespaces.set(rule.namespace, own);
    addRule(own, rule);
  }
  for (const { wide } of namespaces.values()) wide.sort((a, b) => compareHosts(a.host, b.host));
  return namespaces;
});

const rulesByHost = memoByIdentity((rules: Snapshot["destinationRules"]) => {
  const all: OrderedRules = { byHost: new Map(), wide: [] };
  for (const [, rule] of sortedEntries(rules)) addRule(all, rule);
  return all;
});

function addRule({ byHost, wide }: OrderedRules, rule: DestinationRule): void {
  const ofHost = byHost.get(rule.host);
  if (rule.host.startsWith("*")) wide.push(rule);
  else if (ofHost === undefined) byHost.set(rule.host, [rule]);
  else ofHost.push(rule);
}

/**
 * The rule in force for callers of a namespace ("" stands for one that nobody speaks of) who call a host: of the
 * caller's own namespace, else of the service's, else of the root namespace. Within a namespace a name comes before a
 * suffix, a longer suffix before a shorter one, and of two rules for the same the first by name; the store reports the
 * other.
 * https://istio.io/latest/docs/ops/best-practices/traffic-management/#cross-namespace-configuration
 */
export function ruleFor({ destinationRules, settings }: Rules, caller: string, callee: Callee) {
  const namespaces = rulesByNamespace(destinationRules);
  for (const namespace of new Set([caller, callee.namespace, settings.rootNamespace])) {
    const own = namespaces.get(namespace);
    if (own === undefined) continue;
    const isForCaller = (rule: DestinationRule) => isExportedTo(rule, caller);
    const rule =
      own.byHost.get(callee.host)?.find(isForCaller) ??
      own.wide.find((candidate) => coversHost(candidate.host, callee.host) && isForCaller(candidate));
    if (rule !== undefined) return rule;
  }
  return undefined;
}

/** The names of the subsets that a host has in any rule, whoever calls it. */
export function subsetNamesOf({ destinationRules }: Pick<Snapshot, "destinationRules">, host: string): string[] {
  const { byHost, wide } = rulesByHost(destinationRules);
  const rules = [...(byHost.get(host) ?? []), ...wide.filter((rule) => coversHost(rule.host, host))];
  return rules.flatMap(({ subsets }) => subsets.map(({ name }) => name));
}

/** The subsets of a host, as its callers of a namespace see them. */
export function subsetsOf(snapshot: Rules, caller: string, callee: Callee | undefined): readonly Subset[] {
  return (callee && ruleFor(snapshot, caller, callee)?.subsets) ?? [];
}

/** How the callers of a namespace treat a service's port, or a subset of it. */
export function trafficPolicy(
  snapshot: Rules,
  caller: string,
  { service, port, subset }: { readonly service: Callee; readonly port: number; readonly subset: string },
): TrafficPolicy {
  return policyFor(ruleFor(snapshot, caller, service), subset, port);
}

/** The same for the name of a cluster, which may be none of a service's. */
export function clusterPolicy(
  snapshot: Rules & Pick<Snapshot, "services">,
  caller: string,
  cluster: string,
): TrafficPolicy {
  const [, port, subset = "", host = ""] = cluster.split("|");
  const service = snapshot.services.get(host);
  return service === undefined ? {} : trafficPolicy(snapshot, caller, { service, port: Number(port), subset });
}

const namespacesApart = memoByIdentity((_: Snapshot["services"]) =>
  memoByIdentity((_: Snapshot["destinationRules"]) => new Map<string, ReadonlySet<string>>()),
);

/**
 * The namespaces whose callers find another rule for some service than callers of other namespaces do. All others are
 * one class, so that they share what is made of the rules.
 */
export function separateNamespaces(snapshot: Pick<Snapshot, "services"> & Rules): ReadonlySet<string> {
  const { services, destinationRules, settings } = snapshot;
  const byRoot = namespacesApart(services)(destinationRules);
  let apart = byRoot.get(settings.rootNamespace);
  if (apart === undefined) {
    apart = findSeparateNamespaces(snapshot);
    byRoot.set(settings.rootNamespace, apart);
  }
  return apart;
}

/** Only a namespace that has a rule of its own, or that one is exported to by name, can find another one. */
function findSeparateNamespaces(snapshot: Pick<Snapshot, "services"> & Rules): ReadonlySet<string> {
  const apart = new Set<string>();
  for (const rule of snapshot.destinationRules.values()) {
    const candidates = new Set([rule.namespace, ...rule.exportTo].filter((name) => name !== "*" && !apart.has(name)));
    for (const service of coveredServices(snapshot, rule.host))
      for (const namespace of candidates)
        if (ruleFor(snapshot, namespace, service) !== ruleFor(snapshot, "", service)) apart.add(namespace);
  }
  return apart;
}

/** The services that a rule's host is or covers. */
export function coveredServices({ services }: Pick<Snapshot, "services">, pattern: string): Service[] {
  if (pattern.startsWith("*")) return [...services.values()].filter(({ host }) => coversHost(pattern, host));
  const service = services.get(pattern);
  return service === undefined ? [] : [service];
}
