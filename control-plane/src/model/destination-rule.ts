import { compareStrings } from "./compare.js";
import type { Labels } from "./selector.js";
import type { PolicyByPort } from "./traffic-policy.js";

/** A named part of a service's workloads. */
export interface Subset {
  readonly name: string;
  readonly labels: Labels;
  /** What is different for it from the rule's own policy. */
  readonly policy?: PolicyByPort;
}

/** How the callers of a host treat it. */
export interface DestinationRule {
  readonly namespace: string;
  readonly name: string;
  /** Resolved to a full name; or `*`, or a suffix of names such as `*.example.com`. */
  readonly host: string;
  readonly subsets: readonly Subset[];
  readonly policy?: PolicyByPort;
  /** Namespaces whose callers the rule is for; `*` stands for all. */
  readonly exportTo: readonly string[];
}

/** Whether a rule's host is this one, or a suffix of it. */
export function coversHost(pattern: string, host: string): boolean {
  if (!pattern.startsWith("*")) return pattern === host;
  return host.length > pattern.length - 1 && host.endsWith(pattern.slice(1));
}

/** Whether a rule is there for the callers of a namespace. */
export function isExportedTo({ exportTo }: Pick<DestinationRule, "exportTo">, namespace: string): boolean {
  return exportTo.includes("*") || exportTo.includes(namespace);
}

/** The order in which hosts of rules are tried: a name before suffixes, a longer suffix before a shorter one. */
export function compareHosts(a: string, b: string): number {
  const wild = Number(a.startsWith("*")) - Number(b.startsWith("*"));
  return wild || b.length - a.length || compareStrings(a, b);
}
