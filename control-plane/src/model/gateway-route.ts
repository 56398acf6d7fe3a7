import { compareStrings } from "./compare.js";
import type { HeaderOperations, HttpAction, HttpRouteOptions } from "./http-route.js";
import { type Service, serviceHost } from "./service.js";

/** A Service that a route is attached to. */
export interface RouteParent {
  /** As the object has it, for its status. */
  readonly namespace: string;
  readonly name: string;
  /** Absent: all ports. */
  readonly port?: number;
  /** Name of a port; absent: all ports. */
  readonly sectionName?: string;
}

/** What a route names as the receiver of requests. Whether it is there is known only beside other objects. */
export interface BackendRef {
  /** `Service`, or another kind that nothing can be sent to. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Of the Service; Gateway API wants one. */
  readonly port?: number;
}

export interface WeightedBackend extends BackendRef {
  readonly weight: number;
  /** Changes beside those of the rule. */
  readonly headers?: HeaderOperations;
}

export interface BackendMirror extends BackendRef {
  /** 0 to 100, with fractions. */
  readonly percentage: number;
}

/** A rule of a route. It is one for HTTP as any other, but for what it names. */
export interface GatewayRule extends Omit<HttpRouteOptions, "mirrors"> {
  readonly action:
    | { readonly kind: "forward"; readonly backends: readonly WeightedBackend[] }
    | Extract<HttpAction, { readonly kind: "redirect" }>;
  readonly mirrors: readonly BackendMirror[];
}

/** An HTTPRoute or GRPCRoute that is attached to Services: https://gateway-api.sigs.k8s.io/mesh/ */
export interface GatewayRoute {
  readonly kind: "HTTPRoute" | "GRPCRoute";
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339; of two routes that say the same the older holds. Absent: as old as can be. */
  readonly created?: string;
  readonly generation?: number;
  /** Of kind Service only, in the order of the object. */
  readonly parents: readonly RouteParent[];
  /** Each with one match at least. */
  readonly rules: readonly GatewayRule[];
}

/** Routes of `from` may name Services of the grant's own namespace. */
export interface ReferenceGrant {
  readonly namespace: string;
  readonly name: string;
  /** Kinds of routes, by namespace. */
  readonly from: readonly { readonly kind: string; readonly namespace: string }[];
  /** Absent `name`: all of the kind. */
  readonly to: readonly { readonly kind: string; readonly name?: string }[];
}

/** Older routes first, then by namespace and name, then by kind: a total order. */
export function compareRoutes(a: GatewayRoute, b: GatewayRoute): number {
  return (
    compareStrings(a.created ?? "", b.created ?? "") ||
    compareStrings(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`) ||
    compareStrings(a.kind, b.kind)
  );
}

/** What a backend turns out to be. */
export type ResolvedBackend =
  | { readonly kind: "service"; readonly host: string; readonly port: number }
  | {
      readonly kind: "missing";
      /** Reasons of the condition ResolvedRefs. */
      readonly reason: "BackendNotFound" | "RefNotPermitted" | "InvalidKind";
      readonly message: string;
    };

export interface BackendContext {
  readonly services: ReadonlyMap<string, Service>;
  readonly referenceGrants: ReadonlyMap<string, ReferenceGrant>;
}

/** Looks a backend up. Another namespace's Service needs that namespace's ReferenceGrant. */
export function resolveBackend(
  route: Pick<GatewayRoute, "kind" | "namespace">,
  { kind, namespace, name, port }: BackendRef,
  { services, referenceGrants }: BackendContext,
): ResolvedBackend {
  const missing = (
    reason: Extract<ResolvedBackend, { kind: "missing" }>["reason"],
    message: string,
  ): ResolvedBackend => ({ kind: "missing", reason, message });
  if (kind !== "Service") return missing("InvalidKind", `${kind} ${namespace}/${name} is no Service`);
  if (namespace !== route.namespace && !isGranted(route, { kind, namespace, name }, referenceGrants))
    return missing(
      "RefNotPermitted",
      `no ReferenceGrant of ${namespace} lets ${route.kind}s of ${route.namespace} name Service ${name}`,
    );
  const host = serviceHost(name, namespace);
  const service = services.get(host);
  if (service === undefined) return missing("BackendNotFound", `there is no Service ${namespace}/${name}`);
  const found = service.ports.find((candidate) => candidate.port === port);
  if (found !== undefined) return { kind: "service", host, port: found.port };
  const what = port === undefined ? "is named without a port" : `has no port ${port}`;
  return missing("BackendNotFound", `Service ${namespace}/${name} ${what}`);
}

function isGranted(
  route: Pick<GatewayRoute, "kind" | "namespace">,
  { kind, namespace, name }: BackendRef,
  grants: ReadonlyMap<string, ReferenceGrant>,
): boolean {
  for (const grant of grants.values())
    if (
      grant.namespace === namespace &&
      grant.from.some((from) => from.kind === route.kind && from.namespace === route.namespace) &&
      grant.to.some((to) => to.kind === kind && (to.name === undefined || to.name === name))
    )
      return true;
  return false;
}

/** The ports of a Service that a parent reference means; empty where it means none that is there. */
export function parentPorts({ port, sectionName }: RouteParent, service: Pick<Service, "ports">): readonly number[] {
  return service.ports
    .filter((candidate) => port === undefined || candidate.port === port)
    .filter((candidate) => sectionName === undefined || candidate.name === sectionName)
    .map((candidate) => candidate.port);
}
