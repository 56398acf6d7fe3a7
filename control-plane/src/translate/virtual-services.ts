import { compareStrings, sortedEntries } from "../model/compare.js";
import { delegated } from "../model/delegation.js";
import type { HttpRoute } from "../model/http-route.js";
import { memoByIdentity } from "../model/memo.js";
import { objectKey } from "../model/object-ref.js";
import { isVisibleIn } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { VirtualService } from "../model/virtual-service.js";

type VirtualServices = Snapshot["virtualServices"];

/** VirtualServices by what they name, as callers of one namespace see them. */
interface Visible {
  readonly byHost: ReadonlyMap<string, VirtualService>;
  /** With a wildcard; those that say most come first. */
  readonly byPattern: readonly (readonly [suffix: string, virtualService: VirtualService])[];
}

const visibleByNamespace = memoByIdentity((_: VirtualServices) => new Map<string, Visible>());

function visibleIn(virtualServices: VirtualServices, namespace: string): Visible {
  const byNamespace = visibleByNamespace(virtualServices);
  const found = byNamespace.get(namespace) ?? indexed(virtualServices, namespace);
  byNamespace.set(namespace, found);
  return found;
}

function indexed(virtualServices: VirtualServices, namespace: string): Visible {
  const inOrder = sortedEntries(virtualServices)
    .filter(([, virtualService]) => isVisibleIn(virtualService, namespace))
    .sort(([aKey, a], [bKey, b]) => nearness(a, namespace) - nearness(b, namespace) || compareStrings(aKey, bKey));
  const byHost = new Map<string, VirtualService>();
  const bySuffix = new Map<string, VirtualService>();
  for (const [, virtualService] of inOrder)
    for (const host of virtualService.hosts) {
      const [map, name] = host.startsWith("*") ? [bySuffix, host.slice(1)] : [byHost, host];
      if (!map.has(name)) map.set(name, virtualService);
    }
  const byPattern = [...bySuffix].sort(([a], [b]) => b.length - a.length || compareStrings(a, b));
  return { byHost, byPattern };
}

/** A namespace's own rules, seen there only, go before those it was shown, and these before those that all see. */
function nearness({ namespace, exportTo }: VirtualService, caller: string): number {
  if (exportTo.includes("*")) return 2;
  return namespace === caller && exportTo.length === 1 ? 0 : 1;
}

/** The one that callers of a namespace follow for a host: by its name, else by the pattern that says most. */
export function virtualServiceFor(
  { virtualServices }: Pick<Snapshot, "virtualServices">,
  host: string,
  namespace: string,
): VirtualService | undefined {
  const { byHost, byPattern } = visibleIn(virtualServices, namespace);
  return byHost.get(host) ?? byPattern.find(([suffix]) => host.endsWith(suffix))?.[1];
}

/** All hosts and patterns, `*` in front, that callers of a namespace have rules for, in a stable order. */
export function ruledHosts(
  { virtualServices }: Pick<Snapshot, "virtualServices">,
  namespace: string,
): readonly (readonly [host: string, virtualService: VirtualService])[] {
  const { byHost, byPattern } = visibleIn(virtualServices, namespace);
  return [...sortedEntries(byHost), ...byPattern.map(([suffix, value]) => [`*${suffix}`, value] as const)];
}

/** The HTTP rules of every VirtualService with hosts, where others that it delegates to have taken their places. */
export const resolvedRules = memoByIdentity(
  (virtualServices: VirtualServices): ReadonlyMap<VirtualService, readonly HttpRoute[]> =>
    new Map(
      sortedEntries(virtualServices)
        .filter(([, { hosts }]) => hosts.length > 0)
        .map(([, virtualService]) => [virtualService, rulesOf(virtualService, virtualServices)]),
    ),
);

function rulesOf({ http }: VirtualService, virtualServices: VirtualServices): readonly HttpRoute[] {
  return http.flatMap((rule) => {
    if ("action" in rule) return [rule];
    const target = virtualServices.get(objectKey(rule.delegate));
    return target === undefined ? [] : delegated(rule, target).rules;
  });
}

/** The rules that callers of a namespace follow for a host; undefined where there are none. */
export function httpRulesFor(
  snapshot: Pick<Snapshot, "virtualServices">,
  host: string,
  namespace: string,
): readonly HttpRoute[] | undefined {
  const virtualService = virtualServiceFor(snapshot, host, namespace);
  return virtualService && resolvedRules(snapshot.virtualServices).get(virtualService);
}
