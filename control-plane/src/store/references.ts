import { compareStrings, sortedEntries } from "../model/compare.js";
import { coversHost, type DestinationRule } from "../model/destination-rule.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { ObjectRef } from "../model/object-ref.js";
import type { Plugin } from "../model/plugin.js";
import { mayBeHttp, type Service } from "../model/service.js";
import { destinationsOf, type VirtualService } from "../model/virtual-service.js";

/** What a check of one object against the others needs. */
export interface ReferenceContext {
  readonly services: ReadonlyMap<string, Service>;
  readonly destinationRules: ReadonlyMap<string, DestinationRule>;
}

/** What a VirtualService names and nobody defines. An object with such a reference is not put in force. */
export function checkVirtualService(virtualService: VirtualService, context: ReferenceContext): Diagnostic[] {
  const object: ObjectRef = { kind: "VirtualService", namespace: virtualService.namespace, name: virtualService.name };
  return virtualService.http.flatMap((rule, r) => {
    return destinationsOf(rule).flatMap((destination, d) => {
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
      const called = destination.port === undefined ? unansweredPort(virtualService, service, context) : undefined;
      if (called !== undefined)
        problems.push(
          missing(
            object,
            `${field}.port`,
            "PortMissing",
            `${destination.host} has several ports, and none is ${called}, which is called`,
            { noun: "port", names: service.ports.map((port) => String(port.port)) },
          ),
        );
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
    });
  });
}

/** A port on which the object's hosts are called and which the destination, named without port, does not have. */
function unansweredPort(
  { hosts }: VirtualService,
  destination: Service,
  { services }: ReferenceContext,
): number | undefined {
  if (destination.ports.length === 1) return undefined;
  return hosts
    .flatMap((host) => services.get(host)?.ports ?? [])
    .filter(({ protocol }) => mayBeHttp(protocol))
    .map(({ port }) => port)
    .find((called) => !destination.ports.some(({ port }) => port === called));
}

/** Hosts that no Service has: the object is right, and does nothing for them. */
export function checkHosts(
  kind: "VirtualService" | "DestinationRule",
  key: string,
  hosts: readonly string[],
  services: ReadonlyMap<string, Service>,
): Diagnostic[] {
  return hosts.flatMap((host, index) =>
    services.has(host)
      ? []
      : [
          {
            ...missing(
              { kind, ...splitKey(key) },
              kind === "VirtualService" ? `spec.hosts[${index}]` : "spec.host",
              "HostNotFound",
              `no Service is called ${host}, so nothing follows from it`,
              { noun: "Service", names: [...services.keys()] },
            ),
            severity: "warning" as const,
          },
        ],
  );
}

function subsetNames(host: string, rules: ReadonlyMap<string, DestinationRule>): string[] {
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

/** Objects in force, of one kind, that claim the same host: the first by key decides, the others are told so. */
export function checkSharedHosts(
  kind: "VirtualService" | "DestinationRule",
  claims: Iterable<readonly [key: string, hosts: readonly string[]]>,
): Diagnostic[] {
  const owners = new Map<string, string>();
  const problems: Diagnostic[] = [];
  for (const [key, hosts] of [...claims].sort(([a], [b]) => compareStrings(a, b)))
    for (const host of hosts) {
      // Callers of another namespace may find another DestinationRule, so only those of one namespace compete.
      const claim = kind === "DestinationRule" ? `${splitKey(key).namespace} ${host}` : host;
      const owner = owners.get(claim);
      if (owner === undefined) owners.set(claim, key);
      else
        problems.push({
          severity: "warning",
          object: { kind, ...splitKey(key) },
          field: kind === "VirtualService" ? `spec.hosts[${hosts.indexOf(host)}]` : "spec.host",
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

/** Without interception a sidecar has one outbound port, so a plugin cannot choose among the ports that are called. */
export function checkClientPorts(plugin: Plugin): Diagnostic[] {
  return plugin.match.flatMap((match, index) =>
    match.ports.length === 0 || match.mode === "SERVER"
      ? []
      : [
          {
            // A plugin of both sides keeps its server side.
            severity: match.mode === "CLIENT" ? ("error" as const) : ("warning" as const),
            object: { kind: "WasmPlugin", namespace: plugin.namespace, name: plugin.name },
            field: `spec.match[${index}].ports`,
            reason: "ClientPortsUnsupported",
            message: "ports on the client side cannot be told apart without traffic interception",
            hint: "use mode SERVER for these ports, or leave ports out",
          },
        ],
  );
}
