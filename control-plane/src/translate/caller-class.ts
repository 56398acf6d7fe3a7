import { compareStrings } from "../model/compare.js";
import type { HttpMatch } from "../model/http-route.js";
import { memoByIdentity } from "../model/memo.js";
import { type Labels, matchesLabels } from "../model/selector.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { resolvedRules } from "./virtual-services.js";

/** What routes may ask of a caller. Callers of one class share the bytes of their routes. */
export interface CallerClass {
  readonly namespace: string;
  /** Of the label sets that some rule asks for, those that the caller has, as text. */
  readonly labels: ReadonlySet<string>;
}

/** The class of a workload, as a text that is equal for equal classes: `default;app=a,version=v1;tier=x`. */
export function callerVariant(
  snapshot: Pick<Snapshot, "virtualServices">,
  workload: Pick<Workload, "namespace" | "labels">,
): string {
  const labels = [...sourceLabelSets(snapshot)]
    .filter(([, selector]) => matchesLabels(selector, workload.labels))
    .map(([text]) => text);
  // No name of Kubernetes, and no label, has these separators.
  return [workload.namespace, ...labels.sort(compareStrings)].join(";");
}

export function callerClassOf(variant: string): CallerClass {
  const [namespace = "", ...labels] = variant.split(";");
  return { namespace, labels: new Set(labels) };
}

/** Whether a match may hold for callers of a class. */
export function isForCaller(match: Pick<HttpMatch, "sourceLabels" | "sourceNamespace">, caller: CallerClass): boolean {
  if (match.sourceNamespace !== undefined && match.sourceNamespace !== caller.namespace) return false;
  return match.sourceLabels === undefined || caller.labels.has(labelText(match.sourceLabels));
}

/** Whether a match may hold for a workload as the caller. */
export function isForWorkload(
  match: Pick<HttpMatch, "sourceLabels" | "sourceNamespace">,
  { namespace, labels }: Pick<Workload, "namespace" | "labels">,
): boolean {
  if (match.sourceNamespace !== undefined && match.sourceNamespace !== namespace) return false;
  return matchesLabels(match.sourceLabels ?? {}, labels);
}

/** The label sets that rules ask for, by their text. A rule that delegates asks together with those it delegates to. */
export function sourceLabelSets({ virtualServices }: Pick<Snapshot, "virtualServices">): ReadonlyMap<string, Labels> {
  return labelSets(virtualServices);
}

const labelSets = memoByIdentity((virtualServices: Snapshot["virtualServices"]) => {
  const sets = new Map<string, Labels>();
  const rules = [
    ...[...resolvedRules(virtualServices).values()].flat(),
    ...[...virtualServices.values()].flatMap(({ tcp, tls }) => [...tcp, ...tls]),
  ];
  for (const { matches } of rules)
    for (const { sourceLabels } of matches)
      if (sourceLabels !== undefined) sets.set(labelText(sourceLabels), sourceLabels);
  return sets;
});

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .sort(compareStrings)
    .join(",");
}
