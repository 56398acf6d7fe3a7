import { compareStrings, sortedEntries } from "../model/compare.js";
import { coversHost, type DestinationRule } from "../model/destination-rule.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { ObjectRef } from "../model/object-ref.js";
import { attachesTo, type Plugin } from "../model/plugin.js";
import type { Service } from "../model/service.js";
import type { Workload } from "../model/workload.js";

/** A host that no Service has: the object is right, and does nothing. */
export function checkRuleHost({ namespace, name, host }: DestinationRule, services: ReadonlyMap<string, Service>) {
  if ([...services.keys()].some((name) => coversHost(host, name))) return [];
  const object: ObjectRef = { kind: "DestinationRule", namespace, name };
  const known = { noun: "Service", names: [...services.keys()] };
  const message = `no Service is called ${host}, so nothing follows from it`;
  const problem = missing(object, "spec.host", "HostNotFound", message, known);
  return [{ ...problem, severity: "warning" as const }];
}

/** The subsets that rules give a host, whoever calls it. */
export function subsetNames(host: string, rules: ReadonlyMap<string, DestinationRule>): string[] {
  // Which rule is in force differs from caller to caller; of two of one namespace for one host it is the first.
  const first = new Map<string, DestinationRule>();
  for (const [, rule] of sortedEntries(rules)) {
    const claim = `${rule.namespace} ${rule.host}`;
    if (coversHost(rule.host, host) && !first.has(claim)) first.set(claim, rule);
  }
  return [...new Set([...first.values()].flatMap(({ subsets }) => subsets.map(({ name }) => name)))];
}

/** That a name is used which nobody defines, with those that there are. */
export function missing(
  object: ObjectRef,
  field: string,
  reason: string,
  message: string,
  known: { readonly noun: string; readonly names: readonly string[] },
): Diagnostic {
  const names = [...known.names].sort(compareStrings).slice(0, 10);
  const hint =
    names.length === 0
      ? `define the ${known.noun}, or remove the reference`
      : `use one that exists (${names.join(", ")}), or define it`;
  return { severity: "error", object, field, reason, message, hint };
}

/** DestinationRules of one namespace for the same host: the first by key decides, the others are told so. */
export function checkSharedRules(rules: ReadonlyMap<string, DestinationRule>): Diagnostic[] {
  const owners = new Map<string, string>();
  return sortedEntries(rules).flatMap(([key, { namespace, name, host }]) => {
    // Callers of another namespace may find another rule, so only those of one namespace compete.
    const owner = owners.get(`${namespace} ${host}`);
    if (owner === undefined) owners.set(`${namespace} ${host}`, key);
    return owner === undefined
      ? []
      : [hostTaken({ kind: "DestinationRule", namespace, name }, "spec.host", host, owner)];
  });
}

/** That a host is another object's already. */
export function hostTaken(object: ObjectRef, field: string, host: string, owner: string): Diagnostic {
  return {
    severity: "warning",
    object,
    field,
    reason: "HostTaken",
    message: `${host} is already defined by ${object.kind} ${owner}, which stays in force`,
    hint: `put the rules into ${owner}, or remove one of the two`,
  };
}

/**
 * Without interception a sidecar has one outbound port, so a plugin cannot choose among the ports that are called. Where
 * all of its workloads are intercepted it can.
 */
export function checkClientPorts(
  plugin: Plugin,
  workloads: ReadonlyMap<string, Workload>,
  rootNamespace: string,
): Diagnostic[] {
  const chosen = plugin.match.map(({ ports, mode }) => ports.length > 0 && mode !== "SERVER");
  if (!chosen.includes(true)) return [];
  const own = [...workloads.values()].filter((w) => w.hasSidecar && attachesTo(plugin, w, rootNamespace));
  const captured = own.filter(({ interception }) => interception === "redirect").length;
  if (own.length > 0 && captured === own.length) return [];
  return plugin.match.flatMap((match, index) =>
    chosen[index] !== true
      ? []
      : [
          {
            // A plugin of both sides keeps its server side, and one of some captured workloads has these.
            severity: match.mode === "CLIENT" && captured === 0 ? ("error" as const) : ("warning" as const),
            object: { kind: "WasmPlugin", namespace: plugin.namespace, name: plugin.name },
            field: `spec.match[${index}].ports`,
            reason: "ClientPortsUnsupported",
            message: "ports on the client side cannot be told apart without traffic interception",
            hint: "use mode SERVER for these ports, leave ports out, or intercept the workloads' traffic",
          },
        ],
  );
}
