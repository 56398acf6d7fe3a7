import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
} from "../envoy-api/gen/envoy/config/endpoint/v3/endpoint_components_pb.js";
import { compareStrings } from "../model/compare.js";
import { localityDistance, matchesLocality, parseLocality } from "../model/locality.js";
import type { Distribution, LocalityBalancing } from "../model/locality-balancing.js";
import type { Labels } from "../model/selector.js";
import { labelAt } from "./destination-class.js";

type LocalityGroup = MessageInitShape<typeof LocalityLbEndpointsSchema>;

/** An endpoint, and what its place among the others depends on. */
export interface PlacedEndpoint {
  /** `region/zone/subzone`, or "". */
  readonly locality: string;
  readonly labels: Labels;
  readonly weight: number;
  readonly endpoint: MessageInitShape<typeof LbEndpointSchema>;
}

/** What of a caller matters to the order of localities. */
export interface CallerPlace {
  readonly locality: string;
  readonly labels: Labels;
}

interface Group {
  readonly locality: string;
  priority: number;
  readonly members: PlacedEndpoint[];
}

/**
 * Endpoints by priority and locality, in a total order; within a group they stay in the order given. Priorities are as
 * Envoy wants them: from 0 without gaps.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/intro/arch_overview/upstream/load_balancing/priority
 */
export function localityGroups(
  endpoints: readonly PlacedEndpoint[],
  balancing: LocalityBalancing,
  caller: CallerPlace,
): LocalityGroup[] {
  const groups = new Map<string, Group>();
  for (const member of endpoints) {
    const priority = priorityOf(member, balancing, caller);
    const id = `${priority} ${member.locality}`;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, { locality: member.locality, priority, members: [member] });
    else group.members.push(member);
  }
  const sorted = [...groups.values()].sort((a, b) => a.priority - b.priority || compareStrings(a.locality, b.locality));
  const priorities = [...new Set(sorted.map(({ priority }) => priority))];
  for (const group of sorted) group.priority = priorities.indexOf(group.priority);
  if (balancing.kind !== "distribute") return sorted.map((group) => toMessage(group));
  return sorted
    .map((group, index) => [group, sharesOf(sorted, balancing.rules, caller)[index]] as const)
    .filter(([, share]) => share !== 0)
    .map(([group, share]) => toMessage(group, share));
}

function priorityOf({ locality, labels }: PlacedEndpoint, balancing: LocalityBalancing, caller: CallerPlace): number {
  switch (balancing.kind) {
    case "off":
    case "distribute":
      return 0;
    case "labels": {
      const wanted = balancing.priority;
      const differs = wanted.findIndex(
        ({ label, value }) => (value ?? caller.labels[label]) !== labelAt(label, labels, locality),
      );
      return differs < 0 ? 0 : wanted.length - differs;
    }
    case "failover": {
      // A caller that does not say where it is has nothing near or far.
      if (caller.locality === "") return 0;
      const from = parseLocality(caller.locality);
      const to = parseLocality(locality);
      const distance = localityDistance(from, to);
      const redirected = balancing.regions.find((failover) => failover.from === from.region)?.to;
      return distance === 3 && redirected !== undefined && to.region !== redirected ? 4 : distance;
    }
  }
}

/**
 * The weight of each group. The first rule for the caller's locality counts; the share of a pattern is divided among
 * the groups that it stands for by the weights of their endpoints, and what no pattern stands for has nothing.
 */
function sharesOf(groups: readonly Group[], rules: readonly Distribution[], caller: CallerPlace): number[] {
  const weights = groups.map(({ members }) => members.reduce((sum, { weight }) => sum + weight, 0));
  const rule = rules.find(({ from }) => matchesLocality(parseLocality(caller.locality), from));
  if (rule === undefined) return weights;
  const shares = groups.map(() => 0);
  const taken = new Set<number>();
  // The more exact pattern first, so that `eu/*` is what is left beside `eu/eu-1`.
  const byExactness = [...rule.to].sort(
    (a, b) => exactness(b.locality) - exactness(a.locality) || compareStrings(a.locality, b.locality),
  );
  for (const { locality, percent } of byExactness) {
    const matched = groups.flatMap((group, index) =>
      !taken.has(index) && matchesLocality(parseLocality(group.locality), locality) ? index : [],
    );
    const total = matched.reduce((sum, index) => sum + (weights[index] ?? 0), 0);
    for (const index of matched) {
      taken.add(index);
      shares[index] = Math.ceil(((weights[index] ?? 0) * percent) / total);
    }
  }
  return shares;
}

function exactness(pattern: string): number {
  return pattern.split("/").filter((part) => part !== "*").length;
}

function toMessage({ locality, priority, members }: Group, share?: number): LocalityGroup {
  const { region, zone, subzone } = parseLocality(locality);
  return {
    ...(locality === "" ? {} : { locality: { region, zone, subZone: subzone } }),
    lbEndpoints: members.map(({ endpoint }) => endpoint),
    ...(share === undefined ? {} : { loadBalancingWeight: share }),
    priority,
  };
}
