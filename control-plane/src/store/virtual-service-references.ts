import { sortedEntries } from "../model/compare.js";
import { delegated } from "../model/delegation.js";
import type { DestinationRule } from "../model/destination-rule.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { Target } from "../model/http-route.js";
import { type ObjectRef, objectKey } from "../model/object-ref.js";
import { isVisibleIn, mayBeHttp, type Service } from "../model/service.js";
import { destinationsOf, type VirtualService } from "../model/virtual-service.js";
import { hostTaken, missing, subsetNames } from "./references.js";

/** What a check of one VirtualService against other objects needs. */
export interface ReferenceContext {
  readonly services: ReadonlyMap<string, Service>;
  readonly destinationRules: ReadonlyMap<string, DestinationRule>;
  /** Those in force without hosts, which others delegate to. */
  readonly delegates: ReadonlyMap<string, VirtualService>;
}

/** Something that a VirtualService names, and where. */
interface Reference {
  readonly field: string;
  readonly target: Target;
  /** Whether the port that is called goes over to a target that is named without one. */
  readonly isHttp: boolean;
}

/** What a VirtualService names and nobody defines. An object with such a reference is not put in force. */
export function checkVirtualService(virtualService: VirtualService, context: ReferenceContext): Diagnostic[] {
  return [
    ...referencesOf(virtualService).flatMap((reference) => checkTarget(virtualService, reference, context)),
    ...checkDelegates(virtualService, context),
  ];
}

function referencesOf({ http, tcp, tls }: VirtualService): Reference[] {
  const ofHttp = http.flatMap((rule, index): Reference[] => {
    const field = `spec.http[${rule.position ?? index}]`;
    const mirrors = rule.mirrors ?? [];
    return [
      ...destinationsOf(rule).map((target, d) => ({ field: `${field}.route[${d}].destination`, target, isHttp: true })),
      ...mirrors.map((target, m) => ({ field: `${field}.mirrors[${m}].destination`, target, isHttp: true })),
    ];
  });
  const ofOthers = (
    [
      ["tcp", tcp],
      ["tls", tls],
    ] as const
  ).flatMap(([kind, rules]) =>
    rules.flatMap(({ position, destinations }, index): Reference[] =>
      destinations.map((target, d) => {
        const field = `spec.${kind}[${position ?? index}].route[${d}].destination`;
        return { field, target, isHttp: false };
      }),
    ),
  );
  return [...ofHttp, ...ofOthers];
}

function checkTarget(
  virtualService: VirtualService,
  { field, target, isHttp }: Reference,
  context: ReferenceContext,
): Diagnostic[] {
  const object = refOf(virtualService);
  const { host, port, subset } = target;
  const service = context.services.get(host);
  if (service === undefined) {
    const known = { noun: "Service", names: [...context.services.keys()] };
    return [missing(object, `${field}.host`, "HostNotFound", `no Service is called ${host}`, known)];
  }
  const problems: Diagnostic[] = [];
  const ports = { noun: "port", names: service.ports.map(({ port }) => String(port)) };
  const called = port === undefined && isHttp ? unansweredPort(virtualService, service, context) : undefined;
  if (called !== undefined) {
    const message = `${host} has several ports, and none is ${called}, which is called`;
    problems.push(missing(object, `${field}.port`, "PortMissing", message, ports));
  }
  if (port !== undefined && !service.ports.some((candidate) => candidate.port === port))
    problems.push(missing(object, `${field}.port`, "PortNotFound", `${host} has no port ${port}`, ports));
  const subsets = subsetNames(host, context.destinationRules);
  if (subset !== undefined && !subsets.includes(subset)) {
    const message = `no DestinationRule for ${host} has a subset ${subset}`;
    problems.push(missing(object, `${field}.subset`, "SubsetNotFound", message, { noun: "subset", names: subsets }));
  }
  return problems;
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

function checkDelegates(virtualService: VirtualService, { delegates }: ReferenceContext): Diagnostic[] {
  return virtualService.http.flatMap((rule, index) => {
    if (!("delegate" in rule)) return [];
    const key = objectKey(rule.delegate);
    const delegate = delegates.get(key);
    if (delegate !== undefined && isVisibleIn(delegate, virtualService.namespace)) return [];
    const message =
      delegate === undefined
        ? `no VirtualService in force, and without hosts, is called ${key}`
        : `${key} does not export to ${virtualService.namespace}`;
    const names = [...delegates].filter(([, value]) => isVisibleIn(value, virtualService.namespace));
    const known = { noun: "VirtualService", names: names.map(([name]) => name) };
    const field = `spec.http[${rule.position ?? index}].delegate.name`;
    return [missing(refOf(virtualService), field, "DelegateNotFound", message, known)];
  });
}

/** What of VirtualServices in force does nothing: hosts without service, hosts of others, rules nobody reaches. */
export function checkInForce(
  virtualServices: ReadonlyMap<string, VirtualService>,
  services: ReadonlyMap<string, Service>,
): Diagnostic[] {
  const inOrder = sortedEntries(virtualServices);
  return [...checkSharedHosts(inOrder), ...checkDelegation(inOrder, virtualServices), ...checkPorts(inOrder, services)];
}

/** Hosts that no Service has are called at port 80 only, or not at all. */
export function checkHosts(virtualService: VirtualService, services: ReadonlyMap<string, Service>): Diagnostic[] {
  const names = [...services.keys()];
  return virtualService.hosts.flatMap((host, index) => {
    if (host.startsWith("*") ? names.some((name) => name.endsWith(host.slice(1))) : services.has(host)) return [];
    const message = `no Service is called ${host}, so the rules hold for requests to port 80 of that name only`;
    const problem = missing(refOf(virtualService), `spec.hosts[${index}]`, "HostNotFound", message, {
      noun: "Service",
      names,
    });
    return [{ ...problem, severity: "warning" as const }];
  });
}

/** Of several for one host and the same callers the first by key decides, the others are told so. */
function checkSharedHosts(inOrder: readonly (readonly [key: string, VirtualService])[]): Diagnostic[] {
  const owners = new Map<string, (readonly [key: string, VirtualService])[]>();
  const problems: Diagnostic[] = [];
  for (const [key, virtualService] of inOrder)
    virtualService.hosts.forEach((host, index) => {
      const before = owners.get(host) ?? [];
      const owner = before.find(([, other]) => areRivals(virtualService, other))?.[0];
      if (owner === undefined) owners.set(host, [...before, [key, virtualService]]);
      else problems.push(hostTaken(refOf(virtualService), `spec.hosts[${index}]`, host, owner));
    });
  return problems;
}

/** Whether some callers follow either as much as the other: those for some namespaces go before those for all. */
function areRivals({ exportTo: a }: VirtualService, { exportTo: b }: VirtualService): boolean {
  return a.some((namespace) => b.includes(namespace));
}

function checkDelegation(
  inOrder: readonly (readonly [key: string, VirtualService])[],
  virtualServices: ReadonlyMap<string, VirtualService>,
): Diagnostic[] {
  const problems: Diagnostic[] = [];
  const delegatedTo = new Set<string>();
  for (const [, virtualService] of inOrder)
    virtualService.http.forEach((rule, index) => {
      if (!("delegate" in rule)) return;
      const key = objectKey(rule.delegate);
      const delegate = virtualServices.get(key);
      delegatedTo.add(key);
      if (delegate === undefined) return;
      for (const position of delegated(rule, delegate).conflicts)
        problems.push({
          severity: "warning",
          object: refOf(delegate),
          field: `spec.http[${position}].match`,
          reason: "NeverMatches",
          message: `asks for what http[${rule.position ?? index}] of ${objectKey(virtualService)}, which delegates to it, excludes`,
          hint: "make every match narrower than one of the rule that delegates; patterns are not compared",
        });
    });
  for (const [key, virtualService] of inOrder)
    if (virtualService.hosts.length === 0 && !delegatedTo.has(key))
      problems.push({
        severity: "warning",
        object: refOf(virtualService),
        field: "spec.hosts",
        reason: "NotDelegatedTo",
        message: "is missing, and no VirtualService delegates to this one, so nothing follows from it",
        hint: "name the hosts of the routes, or delegate to it",
      });
  return problems;
}

/** Ports that none of the hosts has. */
function checkPorts(
  inOrder: readonly (readonly [key: string, VirtualService])[],
  services: ReadonlyMap<string, Service>,
): Diagnostic[] {
  return inOrder.flatMap(([, virtualService]) => {
    const called = virtualService.hosts.flatMap((host) => services.get(host)?.ports.map(({ port }) => port) ?? []);
    // Hosts with a wildcard, or without a service, may be called at other ports.
    if (called.length === 0 || virtualService.hosts.some((host) => !services.has(host))) return [];
    return virtualService.http.flatMap((rule, r) =>
      rule.matches.flatMap(({ port }, m) => {
        if (port === undefined || called.includes(port)) return [];
        const field = `spec.http[${rule.position ?? r}].match[${m}].port`;
        const message = `${virtualService.hosts.join(", ")} has no port ${port}, so the match never holds`;
        const known = { noun: "port", names: called.map(String) };
        return [
          { ...missing(refOf(virtualService), field, "PortNotFound", message, known), severity: "warning" as const },
        ];
      }),
    );
  });
}

function refOf({ namespace, name }: VirtualService): ObjectRef {
  return { kind: "VirtualService", namespace, name };
}
