import {
  type AuthorizationPolicy,
  type AuthorizationRule,
  conditionsOf,
  isOfHttp,
} from "../model/authorization-policy.js";
import { sortedEntries } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { ObjectRef } from "../model/object-ref.js";
import { type Attachment, attachesTo } from "../model/plugin.js";
import { matchesLabels } from "../model/selector.js";
import { isHttp, type Service, type ServicePort, serviceHost } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { appPort } from "../model/workload-ports.js";
import { missing } from "./references.js";

/** What users should know of their policies that no policy says alone. All of them are in force all the same. */
export function checkPolicies(snapshot: Snapshot): readonly Diagnostic[] {
  const { authorizationPolicies, requestAuthentications, services } = snapshot;
  return [
    ...sortedEntries(authorizationPolicies).flatMap(([, policy]) => {
      const object = refOf("AuthorizationPolicy", policy);
      if (policy.standIn) return [deniedInstead(object)];
      return [...missingTargets(policy, object, services), ...checkPorts(policy, object, snapshot)];
    }),
    ...sortedEntries(requestAuthentications).flatMap(([, authentication]) =>
      missingTargets(authentication, refOf("RequestAuthentication", authentication), services),
    ),
  ];
}

function refOf(kind: string, { namespace, name }: { readonly namespace: string; readonly name: string }): ObjectRef {
  return { kind, namespace, name };
}

function deniedInstead(object: ObjectRef): Diagnostic {
  return {
    severity: "error",
    object,
    reason: "DeniedInstead",
    message: "is wrong and never was right; until it is, everything that it is for is denied",
    hint: "correct what is said of it, or remove it to let everything pass",
  };
}

function missingTargets(
  { namespace, targetServices = [] }: Attachment,
  object: ObjectRef,
  services: ReadonlyMap<string, Service>,
): Diagnostic[] {
  const unknown = targetServices.filter((name) => !services.has(serviceHost(name, namespace)));
  if (unknown.length === 0) return [];
  const names = [...services.values()].filter((s) => s.namespace === namespace).map((s) => s.name);
  return unknown.map((name) => ({
    ...missing(
      object,
      "spec.targetRefs",
      "TargetNotFound",
      `no Service of namespace ${namespace} is called ${name}, so the policy is not in force for it`,
      { noun: "Service", names },
    ),
    severity: unknown.length === targetServices.length ? "error" : "warning",
  }));
}

interface Place {
  readonly workload: Workload;
  readonly service: Service;
  readonly port: ServicePort;
  readonly appPort: number;
}

/** A rule that does something else than it says on the ports that the policy is for. Each is said once. */
function checkPorts(policy: AuthorizationPolicy, object: ObjectRef, snapshot: Snapshot): Diagnostic[] {
  if (!policy.rules.some((rule) => conditionsOf(rule).some((c) => isOfHttp(c) || c.attribute === "destination.port")))
    return [];
  const places = placesOf(policy, snapshot);
  return policy.rules.flatMap((rule, index) => {
    const field = `spec.rules[${index}]`;
    const there = places.filter((place) => mayBeAbout(rule, place.appPort));
    const blind = conditionsOf(rule).some(isOfHttp) ? there.find(({ port }) => !isHttp(port.protocol)) : undefined;
    return [
      ...(blind === undefined ? [] : [blindRule(policy, object, field, blind)]),
      ...portsOfServices(rule, object, field, places),
    ];
  });
}

function placesOf(policy: AuthorizationPolicy, snapshot: Snapshot): readonly Place[] {
  const { rootNamespace } = snapshot.settings;
  return placesOfMesh(snapshot).filter(
    ({ workload, service }) =>
      attachesTo(policy, workload, rootNamespace) && (policy.targetServices?.includes(service.name) ?? true),
  );
}

let last: (Pick<Snapshot, "services" | "workloads"> & { readonly places: readonly Place[] }) | undefined;

/** Every port of every workload with a sidecar. Remembered, because all policies ask for it. */
function placesOfMesh({ services, workloads }: Snapshot): readonly Place[] {
  if (last?.services === services && last.workloads === workloads) return last.places;
  const inNamespace = new Map<string, Service[]>();
  for (const [, service] of sortedEntries(services)) {
    if (Object.keys(service.selector).length === 0) continue;
    const group = inNamespace.get(service.namespace);
    if (group === undefined) inNamespace.set(service.namespace, [service]);
    else group.push(service);
  }
  const places: Place[] = [];
  for (const [, workload] of sortedEntries(workloads)) {
    if (!workload.hasSidecar) continue;
    for (const service of inNamespace.get(workload.namespace) ?? [])
      if (matchesLabels(service.selector, workload.labels))
        for (const port of service.ports) places.push({ workload, service, port, appPort: appPort(workload, port) });
  }
  last = { services, workloads, places };
  return places;
}

/** Whether none of the rule's operations speaks of other ports only. */
function mayBeAbout({ to, when }: AuthorizationRule, appPort: number): boolean {
  const holds = (conditions: AuthorizationRule["when"]) =>
    conditions.every(
      (c) =>
        c.attribute !== "destination.port" ||
        ((c.values.length === 0 || c.values.includes(appPort)) && !c.notValues.includes(appPort)),
    );
  return holds(when) && (to.length === 0 || to.some(holds));
}

function blindRule(
  { action }: AuthorizationPolicy,
  object: ObjectRef,
  field: string,
  { service, port }: Place,
): Diagnostic {
  const does =
    action === "DENY" ? "it denies whatever else it matches" : `it ${action === "ALLOW" ? "admits" : "marks"} nothing`;
  return {
    severity: "warning",
    object,
    field,
    reason: "HttpRuleOnTcp",
    message: `asks about HTTP, and port ${port.port} of Service ${service.name} is not HTTP: there ${does}`,
    hint: "name the ports of HTTP in to[].operation.ports, or say by the port's name or appProtocol that it is HTTP",
  };
}

/** Ports of Services where those of workloads are meant. */
function portsOfServices(
  rule: AuthorizationRule,
  object: ObjectRef,
  field: string,
  places: readonly Place[],
): Diagnostic[] {
  const named = new Set(
    conditionsOf(rule).flatMap((c) => (c.attribute === "destination.port" ? [...c.values, ...c.notValues] : [])),
  );
  return [...named].flatMap((number) => {
    if (places.some(({ appPort }) => appPort === number)) return [];
    const place = places.find(({ port }) => port.port === number);
    if (place === undefined) return [];
    const { workload, service, appPort } = place;
    return {
      severity: "warning" as const,
      object,
      field,
      reason: "ServicePortNamed",
      message: `names port ${number} of Service ${service.name}, and rules are about ports of workloads: of ${workload.name} it is ${appPort}`,
      hint: `write ${appPort}`,
    };
  });
}
