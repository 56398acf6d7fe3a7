import { compareStrings, sortedEntries } from "../model/compare.js";
import type { DestinationRule } from "../model/destination-rule.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { ObjectRef } from "../model/object-ref.js";
import type { Plugin } from "../model/plugin.js";
import type { Service } from "../model/service.js";
import type { VirtualService } from "../model/virtual-service.js";
import type { Workload } from "../model/workload.js";

/** What a check of one object against the others needs. */
export interface ReferenceContext {
  readonly services: ReadonlyMap<string, Service>;
  readonly destinationRules: ReadonlyMap<string, DestinationRule>;
}

/** What a VirtualService names and nobody defines. An object with such a reference is not put in force. */
export function checkVirtualService(virtualService: VirtualService, context: ReferenceContext): Diagnostic[] {
  const object: ObjectRef = { kind: "VirtualService", namespace: virtualService.namespace, name: virtualService.name };
  return virtualService.http.flatMap((rule, r) =>
    rule.destinations.flatMap((destination, d) => {
      const field = `spec.http[${r}].route[${d}].destination`;
      const service = context.services.get(destination.host);
      if (service === undefined)
        return [
          missing(object, `${field}.host`, "HostNotFound", `no Service is called ${destination.host}`, {
            noun: "Service",
            names: [...context.services.keys()],
          }),
        ];
      const problems: Diagnostic[] = [];
      if (destination.port !== undefined && !service.ports.some((port) => port.port === destination.port))
        problems.push(
          missing(object, `${field}.port`, "PortNotFound", `${destination.host} has no port ${destination.port}`, {
            noun: "port",
            names: service.ports.map((port) => String(port.port)),
          }),
        );
      const subsets = subsetNames(destination.host, context.destinationRules);
      if (destination.subset !== undefined && !subsets.includes(destination.subset))
        problems.push(
          missing(
            object,
            `${field}.subset`,
            "SubsetNotFound",
            `no DestinationRule for ${destination.host} has a subset ${destination.subset}`,
            { noun: "subset", names: subsets },
          ),
        );
      return problems;
    }),
  );
}

function subsetNames(host: string, rules: ReadonlyMap<string, DestinationRule>): string[] {
  // The first rule by key is the one in force, as in translation.
  const rule = sortedEntries(rules).find(([, candidate]) => candidate.host === host)?.[1];
  return rule?.subsets.map((subset) => subset.name) ?? [];
}

function missing(
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

/** Objects of one kind that claim the same host: the first by key is in force, the others are told so. */
export function checkSharedHosts(
  kind: "VirtualService" | "DestinationRule",
  claims: Iterable<readonly [key: string, hosts: readonly string[]]>,
): Diagnostic[] {
  const owners = new Map<string, string>();
  const problems: Diagnostic[] = [];
  for (const [key, hosts] of [...claims].sort(([a], [b]) => compareStrings(a, b)))
    for (const host of hosts) {
      const owner = owners.get(host);
      if (owner === undefined) owners.set(host, key);
      else
        problems.push({
          severity: "warning",
          object: { kind, ...splitKey(key) },
          field: "spec.host",
          reason: "HostTaken",
          message: `${host} is already defined by ${kind} ${owner}, which stays in force`,
          hint: `put the rules into ${owner}, or remove one of the two`,
        });
    }
  return problems;
}

function splitKey(key: string): { namespace: string; name: string } {
  const [namespace, name] = key.split("/");
  return { namespace: namespace ?? "", name: name ?? "" };
}

/** Apps of workloads without interception share 127.0.0.1, so a port belongs to one of them. */
export function checkAppPorts(workloads: ReadonlyMap<string, Workload>): Diagnostic[] {
  const owners = new Map<number, string>();
  const problems: Diagnostic[] = [];
  for (const [key, workload] of sortedEntries(workloads))
    for (const [name, port] of Object.entries(workload.ports).sort(([a], [b]) => compareStrings(a, b))) {
      const owner = owners.get(port);
      if (owner === undefined) owners.set(port, key);
      else if (owner !== key)
        problems.push({
          severity: "warning",
          object: { kind: "WorkloadEntry", namespace: workload.namespace, name: workload.name },
          field: `spec.ports.${name}`,
          reason: "PortTaken",
          message: `port ${port} of 127.0.0.1 is claimed by WorkloadEntry ${owner} too`,
          hint: "give each workload's app a port of its own",
        });
    }
  return problems;
}

/** Without interception a sidecar has one outbound port, so a plugin cannot choose among the ports that are called. */
export function checkClientPorts(plugin: Plugin): Diagnostic[] {
  return plugin.match.flatMap((match, index) =>
    match.ports.length === 0 || match.mode === "SERVER"
      ? []
      : [
          {
            severity: "error" as const,
            object: { kind: "WasmPlugin", namespace: plugin.namespace, name: plugin.name },
            field: `spec.match[${index}].ports`,
            reason: "ClientPortsUnsupported",
            message: "ports on the client side cannot be told apart without traffic interception",
            hint: "use mode SERVER for these ports, or leave ports out",
          },
        ],
  );
}
