import type { Attachment } from "../model/plugin.js";
import { compareTargets, type RouteTarget } from "../model/route-slots.js";
import {
  child,
  type Field,
  type ObjectFields,
  type Reader,
  readAnyString,
  readList,
  readObject,
  refuse,
  show,
} from "./fields.js";
import { readDnsLabel, readDnsSubdomain } from "./names.js";

/** As many as Istio takes. */
const MAX_TARGETS = 16;

/** Kinds that other meshes or a later version act on, with what to do today. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  Gateway: "use a selector; there are no gateways in this mesh",
  GatewayClass: "use a selector; there are no gateways in this mesh",
  ServiceEntry: "target a Service; ServiceEntries are not read",
};

/** Of objects that are for Services only. */
const UNSUPPORTED_WITHOUT_ROUTES: Readonly<Record<string, string>> = {
  ...UNSUPPORTED,
  HTTPRoute: "target a Service, or use a selector; routes are the callers' side",
  GRPCRoute: "target a Service, or use a selector; routes are the callers' side",
};

const ROUTE_KINDS = ["HTTPRoute", "GRPCRoute"] as const satisfies readonly RouteTarget["kind"][];
const ROUTE_GROUP = "gateway.networking.k8s.io";

type Target = { readonly kind: "Service"; readonly name: string } | RouteTarget;

/** Of one kind of targets only, because they are of different sides. */
export type Targets = Pick<Attachment, "targetServices" | "targetRoutes">;

/**
 * What an object is attached to by name, `targetRefs` or Istio's older `targetRef`: names of Services of the object's
 * own namespace. Undefined where there are none. https://gateway-api.sigs.k8s.io/geps/gep-713/
 */
export function readTargetServices(
  fields: ObjectFields,
  field: Field,
  namespace: string,
): readonly string[] | undefined {
  const targets = readTargetList(fields, field, readTarget(namespace, false));
  return targets.length === 0 ? undefined : uniqueNames(targets);
}

/** The same of what may be attached to HTTPRoutes and GRPCRoutes too. */
export function readTargets(fields: ObjectFields, field: Field, namespace: string): Targets {
  const targets = readTargetList(fields, field, readTarget(namespace, true));
  const routes = targets.filter((target): target is RouteTarget => target.kind !== "Service");
  if (routes.length === 0) return targets.length === 0 ? {} : { targetServices: uniqueNames(targets) };
  if (routes.length < targets.length)
    refuse(
      child(field, "targetRefs", undefined),
      "ConflictingFields",
      "names Services and routes, which are of different sides",
      "write one object for the Services, and one for the routes",
    );
  const unique = new Map(routes.map((route) => [`${route.kind} ${route.name}`, route]));
  return { targetRoutes: [...unique.values()].sort(compareTargets) };
}

function uniqueNames(targets: readonly Target[]): readonly string[] {
  return [...new Set(targets.map(({ name }) => name))].sort();
}

function readTargetList(fields: ObjectFields, field: Field, readOne: Reader<Target>): readonly Target[] {
  const one = fields.optional("targetRef", readOne);
  const many = fields.optional("targetRefs", readList(readOne, { max: MAX_TARGETS }));
  const given = ["selector", "targetRef", "targetRefs"].filter((name) => isGiven(field, name));
  if (given.length > 1)
    refuse(
      child(field, given[1] ?? "", undefined),
      "ConflictingFields",
      `cannot be beside ${given[0]}`,
      "say either by selector or by targetRefs what the plugin is attached to",
    );
  return [...(one === undefined ? [] : [one]), ...(many ?? [])];
}

function isGiven({ value }: Field, name: string): boolean {
  const given = (value as Readonly<Record<string, unknown>>)[name];
  return given !== undefined && given !== null && !(Array.isArray(given) && given.length === 0);
}

function readTarget(own: string, mayBeRoute: boolean): Reader<Target> {
  return readObject((fields, field) => {
    const group = fields.optional("group", readAnyString(253)) ?? "";
    const kind = fields.required("kind", readAnyString(63), "write kind: Service");
    const route = mayBeRoute ? ROUTE_KINDS.find((candidate) => candidate === kind) : undefined;
    const name = fields.required(
      "name",
      route === undefined ? readDnsLabel : readDnsSubdomain,
      `name the ${route ?? "Service"}`,
    );
    const namespace = fields.optional("namespace", readDnsLabel);
    fields.belongElsewhere({
      sectionName:
        route === undefined
          ? "name ports in match[].ports, with mode SERVER"
          : "a plugin runs for all rules of a route: put the rule into a route of its own",
    });
    if (kind === undefined) return undefined;
    if (kind !== "Service" && route === undefined) {
      const hint = (mayBeRoute ? UNSUPPORTED : UNSUPPORTED_WITHOUT_ROUTES)[kind];
      const place = child(field, "kind", kind);
      return hint === undefined
        ? refuse(place, "InvalidValue", `is ${show(kind)}`, "use Service")
        : refuse(place, "UnsupportedValue", `is ${kind}, which is not supported`, hint);
    }
    if (route === undefined ? group !== "" && group !== "core" : group !== ROUTE_GROUP)
      return refuse(
        child(field, "group", group),
        "InvalidValue",
        `is ${show(group)}`,
        route === undefined ? "leave out the group of a Service" : `write group: ${ROUTE_GROUP}`,
      );
    if (namespace !== undefined && namespace !== own)
      return refuse(
        child(field, "namespace", namespace),
        "UnsupportedValue",
        `is ${namespace}, another than the plugin's own`,
        `put the plugin into namespace ${namespace}`,
      );
    return name === undefined ? undefined : { kind: route ?? "Service", name };
  });
}
