import type { GatewayRoute, RouteParent } from "../model/gateway-route.js";
import {
  child,
  type ObjectFields,
  type Reader,
  readAnyString,
  readList,
  readObject,
  readPort,
  refuse,
  show,
} from "./fields.js";
import type { Metadata } from "./metadata.js";
import { readDnsLabel, readDnsSubdomain } from "./names.js";

/** As many as Gateway API takes. */
const MAX_PARENTS = 32;

/** Reads what HTTPRoute and GRPCRoute share; `rules` are what is particular to one. */
export function readRoute(
  kind: GatewayRoute["kind"],
  { namespace, name, created, generation }: Metadata,
  readRules: (fields: ObjectFields) => GatewayRoute["rules"],
): Reader<GatewayRoute> {
  return readObject((fields, field) => {
    const parents = fields.optional("parentRefs", readList(readParent(namespace), { max: MAX_PARENTS })) ?? [];
    // https://gateway-api.sigs.k8s.io/mesh/: host names are of no meaning beside a Service.
    fields.optional("hostnames", readList(readDnsSubdomainPattern, { max: 16 }));
    fields.ignore(["useDefaultGateways"]);
    const rules = readRules(fields);
    const services = parents.filter((parent) => parent !== ELSEWHERE);
    if (parents.length > 0 && services.length === 0)
      field.problems.warning(
        [...field.path, "parentRefs"],
        "NoMatchingParent",
        "names no Service, so the mesh leaves the route alone",
        "name a Service in parentRefs, with kind: Service and group: ''",
      );
    return {
      kind,
      namespace,
      name,
      parents: services,
      rules,
      ...(created !== undefined && { created }),
      ...(generation !== undefined && { generation }),
    };
  });
}

/** A parent that is a gateway's or somebody else's matter. */
const ELSEWHERE = Symbol("elsewhere");

const GATEWAY_GROUP = "gateway.networking.k8s.io";

/** https://gateway-api.sigs.k8s.io/reference/spec/#parentreference */
function readParent(own: string): Reader<RouteParent | typeof ELSEWHERE> {
  return readObject((fields) => {
    const group = fields.optional("group", readAnyString(253)) ?? GATEWAY_GROUP;
    const kind = fields.optional("kind", readAnyString(63)) ?? "Gateway";
    const namespace = fields.optional("namespace", readDnsLabel) ?? own;
    const name = fields.required("name", readDnsSubdomain, "name the Service");
    const sectionName = fields.optional("sectionName", readDnsSubdomain);
    const port = fields.optional("port", readPort);
    if (kind !== "Service" || (group !== "" && group !== "core")) return ELSEWHERE;
    return {
      namespace,
      name: name ?? "",
      ...(port !== undefined && { port }),
      ...(sectionName !== undefined && { sectionName }),
    };
  });
}

const readDnsSubdomainPattern: Reader<string> = (field) => {
  const { value } = field;
  if (typeof value !== "string" || !value.startsWith("*.")) return readDnsSubdomain(field);
  return readDnsSubdomain({ ...field, value: value.slice(2) });
};

/** An object with a `type` that says which other field is there. */
export function readTyped<T>(
  readers: Readonly<Record<string, { readonly field: string; readonly read: Reader<T> }>>,
  unsupported: Readonly<Record<string, string>> = {},
): Reader<T> {
  return readObject((fields, field) => {
    const type = fields.required("type", readAnyString(63), `write one of ${Object.keys(readers).join(", ")}`);
    for (const { field: name } of Object.values(readers)) fields.ignore([name]);
    if (type === undefined) return undefined;
    const place = child(field, "type", type);
    const hint = unsupported[type];
    if (hint !== undefined) {
      fields.ignore([`${type.charAt(0).toLowerCase()}${type.slice(1)}`]);
      return refuse(place, "UnsupportedValue", `is ${type}, which is not supported`, hint);
    }
    const reader = Object.hasOwn(readers, type) ? readers[type] : undefined;
    if (reader === undefined)
      return refuse(place, "InvalidValue", `is ${show(type)}`, `use one of ${Object.keys(readers).join(", ")}`);
    return fields.required(reader.field, reader.read, `say what the ${type} does`);
  });
}
