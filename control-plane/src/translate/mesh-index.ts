import { compareStrings, sortedEntries } from "../model/compare.js";
import { memoByIdentity } from "../model/memo.js";
import type { Requirement } from "../model/plugin-manifest.js";
import { servedVersions } from "../model/rollout.js";
import { resolveHost, type Service } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { jwksSites } from "./jwks-sites.js";
import { calloutCluster } from "./names.js";

const policies = memoByIdentity((all: ReadonlyMap<string, { readonly namespace: string }>) => {
  const byNamespace = new Map<string, { readonly namespace: string }[]>();
  for (const [, policy] of sortedEntries(all)) {
    const list = byNamespace.get(policy.namespace);
    if (list === undefined) byNamespace.set(policy.namespace, [policy]);
    else list.push(policy);
  }
  return byNamespace;
});

/** The policies of one kind by their namespaces, each in the order of their names. */
export function policiesByNamespace<T extends { readonly namespace: string }>(
  all: ReadonlyMap<string, T>,
): ReadonlyMap<string, readonly T[]> {
  return policies(all) as unknown as ReadonlyMap<string, T[]>;
}

/** The services of the mesh in the order of their hosts. */
export const sortedServices = memoByIdentity((services: Snapshot["services"]): readonly Service[] =>
  [...services.values()].sort((a, b) => compareStrings(a.host, b.host)),
);

const calloutsOfAllHosts = memoByIdentity((plugins: Snapshot["plugins"]) => {
  const byHost = new Map<string, string[]>();
  for (const [key, plugin] of sortedEntries(plugins))
    for (const { name, host } of plugin.callouts) {
      const full = resolveHost(host, plugin.namespace);
      const clusters = byHost.get(full);
      if (clusters === undefined) byHost.set(full, [calloutCluster(key, name)]);
      else clusters.push(calloutCluster(key, name));
    }
  return byHost;
});

/** The clusters of callouts to a host, whether or not it is a Service. */
export function calloutsTo(snapshot: Pick<Snapshot, "plugins">, host: string): readonly string[] {
  return calloutsOfAllHosts(snapshot.plugins).get(host) ?? [];
}

const keyServersOfAllHosts = memoByIdentity((authentications: Snapshot["requestAuthentications"]) => {
  const byHost = new Map<string, string[]>();
  for (const authentication of authentications.values())
    for (const { cluster, namespace, server } of jwksSites(authentication)) {
      const full = resolveHost(server.host, namespace);
      byHost.set(full, [...(byHost.get(full) ?? []), cluster]);
    }
  return byHost;
});

/** The clusters of servers of keys at a host, whether or not it is a Service. */
export function keyServersAt(snapshot: Pick<Snapshot, "requestAuthentications">, host: string): readonly string[] {
  return keyServersOfAllHosts(snapshot.requestAuthentications).get(host) ?? [];
}

const requirementsOfAll = memoByIdentity((modules: Snapshot["modules"]): ReadonlySet<Requirement> => {
  const requirements = new Set<Requirement>();
  for (const state of modules.values())
    for (const served of servedVersions(state))
      for (const requirement of served.manifest.requires) requirements.add(requirement);
  return requirements;
});

/** What the plugins that run somewhere in the mesh ask of the routes. Mesh-wide, so that routes stay shared. */
export function requirements(snapshot: Pick<Snapshot, "modules">): ReadonlySet<Requirement> {
  return requirementsOfAll(snapshot.modules);
}
