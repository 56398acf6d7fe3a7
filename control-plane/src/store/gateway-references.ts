import { compareStrings, sortedEntries } from "../model/compare.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { type BackendRef, type GatewayRoute, parentPorts, resolveBackend } from "../model/gateway-route.js";
import type { ObjectRef } from "../model/object-ref.js";
import { serviceHost } from "../model/service.js";
import type { Snapshot } from "../model/snapshot.js";
import { missing } from "./references.js";

type Context = Pick<Snapshot, "httpRoutes" | "grpcRoutes" | "referenceGrants" | "services" | "virtualServices">;

/** What routes of Gateway API name and nobody has, or may not be named; and VirtualServices whose place they take. */
export function checkGatewayRoutes(context: Context): Diagnostic[] {
  const routes = [context.httpRoutes, context.grpcRoutes].flatMap((kind) =>
    sortedEntries(kind).map(([, route]) => route),
  );
  return [
    ...routes.flatMap((route) => [...missingParents(route, context), ...missingBackends(route, context)]),
    ...replacedVirtualServices(routes, context),
  ];
}

/** Where nothing is attached: reason of the condition Accepted. */
function missingParents(route: GatewayRoute, { services }: Context): Diagnostic[] {
  return route.parents.flatMap((parent, i) => {
    const service = services.get(serviceHost(parent.name, parent.namespace));
    const field = `spec.parentRefs[${i}]`;
    const names = [...services.values()].filter((s) => s.namespace === parent.namespace).map((s) => s.name);
    const known = { noun: "Service", names };
    if (service === undefined)
      return [
        missing(
          refOf(route),
          field,
          "NoMatchingParent",
          `there is no Service ${parent.namespace}/${parent.name}`,
          known,
        ),
      ];
    if (parentPorts(parent, service).length > 0) return [];
    const ports = { noun: "port", names: service.ports.map(({ name, port }) => `${port} (${name})`) };
    const message = `Service ${parent.namespace}/${parent.name} has no such port`;
    return [missing(refOf(route), field, "NoMatchingParent", message, ports)];
  });
}

/** What is named as a receiver: reasons of the condition ResolvedRefs. The rest of the route is in force. */
function missingBackends(route: GatewayRoute, context: Context): Diagnostic[] {
  const check = (backend: BackendRef, field: string, effect: string): Diagnostic[] => {
    const resolved = resolveBackend(route, backend, context);
    if (resolved.kind === "service") return [];
    const hint = {
      BackendNotFound: "name a Service and a port that are there",
      RefNotPermitted: `let namespace ${backend.namespace} grant it by a ReferenceGrant, or name a Service of ${route.namespace}`,
      InvalidKind: "name a Service, with kind: Service and group: ''",
    }[resolved.reason];
    const { reason, message } = resolved;
    return [{ severity: "error", object: refOf(route), field, reason, message: `${message}, so ${effect}`, hint }];
  };
  return route.rules.flatMap(({ action, mirrors }, r) => [
    ...(action.kind === "redirect"
      ? []
      : action.backends.flatMap((backend, b) =>
          check(backend, `spec.rules[${r}].backendRefs[${b}]`, "its share is answered with 500"),
        )),
    ...mirrors.flatMap((mirror) => check(mirror, `spec.rules[${r}].filters`, "nobody gets the copies")),
  ]);
}

/** Routes that are attached to a Service go before VirtualServices for its host. */
function replacedVirtualServices(
  routes: readonly GatewayRoute[],
  { virtualServices, services }: Context,
): Diagnostic[] {
  const owners = new Map<string, string>();
  for (const { kind, namespace, name, parents } of routes)
    for (const parent of parents) {
      const host = serviceHost(parent.name, parent.namespace);
      if (services.has(host) && !owners.has(host)) owners.set(host, `${kind} ${namespace}/${name}`);
    }
  return sortedEntries(virtualServices).flatMap(([, { namespace, name, hosts }]) =>
    hosts
      .map((host, i) => [host, i] as const)
      .sort(([a], [b]) => compareStrings(a, b))
      .flatMap(([host, i]) => {
        const owner = owners.get(host);
        if (owner === undefined) return [];
        return [
          {
            severity: "warning" as const,
            object: { kind: "VirtualService" as const, namespace, name },
            field: `spec.hosts[${i}]`,
            reason: "HostRouted",
            message: `${owner} is attached to ${host}, and goes before the VirtualService where both are for a port`,
            hint: `put the rules into ${owner}, or remove one of the two`,
          },
        ];
      }),
  );
}

function refOf({ kind, namespace, name }: GatewayRoute): ObjectRef {
  return { kind, namespace, name };
}
