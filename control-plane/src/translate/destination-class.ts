import { compareStrings } from "../model/compare.js";
import type { DestinationRule } from "../model/destination-rule.js";
import { parseLocality } from "../model/locality.js";
import type { LocalityBalancing } from "../model/locality-balancing.js";
import { memoByIdentity } from "../model/memo.js";
import type { Labels } from "../model/selector.js";
import type { Snapshot } from "../model/snapshot.js";
import { type PolicyByPort, policyFor } from "../model/traffic-policy.js";
import type { Workload } from "../model/workload.js";
import { separateNamespaces } from "./destination-rules.js";
import { localityBalancing } from "./locality-policy.js";

/**
 * All that the DestinationRules tell callers apart by. Callers of one class share every outbound cluster and its
 * endpoints. A part that no rule asks for is empty, so that a mesh without such rules has one class.
 */
export interface DestinationClass {
  /** "" for a namespace that finds the same rules as others do. */
  readonly namespace: string;
  /** `region/zone/subzone`. */
  readonly locality: string;
  /** `name=value,…` of the labels that some failoverPriority names. */
  readonly labels: string;
  /** Whether it is known which address they choose. */
  readonly isCaptured: boolean;
}

/** A text that is equal for equal classes. */
export function classText({ namespace, locality, labels, isCaptured }: DestinationClass): string {
  return `${namespace}\n${locality}\n${labels}\n${isCaptured}`;
}

/** Where a label says nothing, the caller's or endpoint's locality does. */
const TOPOLOGY_LABELS = {
  "topology.kubernetes.io/region": "region",
  "topology.kubernetes.io/zone": "zone",
  "topology.istio.io/subzone": "subzone",
} as const;

export function destinationClass(
  snapshot: Pick<Snapshot, "services" | "destinationRules" | "settings">,
  {
    namespace,
    locality = "",
    labels,
    interception,
  }: Pick<Workload, "namespace" | "locality" | "labels" | "interception">,
): DestinationClass {
  const asked = askedOfCallers(snapshot.destinationRules);
  return {
    namespace: separateNamespaces(snapshot).has(namespace) ? namespace : "",
    locality: asked.locality ? locality : "",
    labels: labelsText(asked.labels, labels, locality),
    isCaptured: interception === "redirect" && choosesAddresses(snapshot.services),
  };
}

/** Whether callers choose addresses by themselves for some service. */
const choosesAddresses = memoByIdentity((services: Snapshot["services"]): boolean =>
  [...services.values()].some(({ resolution: { kind } }) => kind === "headless" || kind === "original"),
);

/** A label of something that runs in a locality. */
export function labelAt(name: string, labels: Labels, locality: string): string | undefined {
  if (Object.hasOwn(labels, name)) return labels[name];
  const part = Object.hasOwn(TOPOLOGY_LABELS, name) ? TOPOLOGY_LABELS[name as keyof typeof TOPOLOGY_LABELS] : undefined;
  return part && (parseLocality(locality)[part] || undefined);
}

function labelsText(names: readonly string[], labels: Labels, locality: string): string {
  return names
    .flatMap((name) => {
      const value = labelAt(name, labels, locality);
      return value === undefined ? [] : `${name}=${value}`;
    })
    .join(",");
}

/** What `labels` of a class says. */
export function classLabels(text: string): Labels {
  const labels: Record<string, string> = Object.create(null);
  for (const pair of text === "" ? [] : text.split(",")) {
    const equals = pair.indexOf("=");
    labels[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return labels;
}

const askedOfCallers = memoByIdentity((rules: Snapshot["destinationRules"]) => {
  const labels = new Set<string>();
  let locality = false;
  for (const rule of rules.values())
    for (const balancing of balancingsOf(rule))
      if (balancing.kind === "labels") for (const { label } of balancing.priority) labels.add(label);
      else if (balancing.kind !== "off") locality = true;
  return { locality, labels: [...labels].sort(compareStrings) };
});

/** Of all ports and subsets; a port that has no settings of its own is as any other. */
function balancingsOf(rule: DestinationRule): LocalityBalancing[] {
  const ports = (policy: PolicyByPort | undefined) => policy?.ports.map(({ port }) => port) ?? [];
  return ["", ...rule.subsets.map(({ name }) => name)].flatMap((name) => {
    const ofSubset = rule.subsets.find((subset) => subset.name === name)?.policy;
    return [0, ...ports(rule.policy), ...ports(ofSubset)].map((port) => localityBalancing(policyFor(rule, name, port)));
  });
}
