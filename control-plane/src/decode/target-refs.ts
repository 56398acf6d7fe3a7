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
import { readDnsLabel } from "./names.js";

/** As many as Istio takes. */
const MAX_TARGETS = 16;

/** Kinds that other meshes or a later version act on, with what to do today. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  HTTPRoute: "target a Service, or use a selector; HTTPRoutes are not read yet",
  GRPCRoute: "target a Service, or use a selector; GRPCRoutes are not read yet",
  Gateway: "use a selector; there are no gateways in this mesh",
  GatewayClass: "use a selector; there are no gateways in this mesh",
  ServiceEntry: "target a Service; ServiceEntries are not read",
};

/**
 * What a plugin is attached to by name, `targetRefs` or Istio's older `targetRef`: names of Services of the object's
 * own namespace. Undefined where there are none. https://gateway-api.sigs.k8s.io/geps/gep-713/
 */
export function readTargetServices(
  fields: ObjectFields,
  field: Field,
  namespace: string,
): readonly string[] | undefined {
  const one = fields.optional("targetRef", readTarget(namespace));
  const many = fields.optional("targetRefs", readList(readTarget(namespace), { max: MAX_TARGETS }));
  const given = ["selector", "targetRef", "targetRefs"].filter((name) => isGiven(field, name));
  if (given.length > 1)
    refuse(
      child(field, given[1] ?? "", undefined),
      "ConflictingFields",
      `cannot be beside ${given[0]}`,
      "say either by selector or by targetRefs what the plugin is attached to",
    );
  const names = [...(one === undefined ? [] : [one]), ...(many ?? [])];
  return names.length === 0 ? undefined : [...new Set(names)].sort();
}

function isGiven({ value }: Field, name: string): boolean {
  const given = (value as Readonly<Record<string, unknown>>)[name];
  return given !== undefined && given !== null && !(Array.isArray(given) && given.length === 0);
}

function readTarget(own: string): Reader<string> {
  return readObject((fields, field) => {
    const group = fields.optional("group", readAnyString(253)) ?? "";
    const kind = fields.required("kind", readAnyString(63), "write kind: Service");
    const name = fields.required("name", readDnsLabel, "name the Service");
    const namespace = fields.optional("namespace", readDnsLabel);
    fields.belongElsewhere({ sectionName: "name ports in match[].ports, with mode SERVER" });
    if (kind === undefined) return undefined;
    if (kind !== "Service") {
      const hint = UNSUPPORTED[kind];
      const place = child(field, "kind", kind);
      return hint === undefined
        ? refuse(place, "InvalidValue", `is ${show(kind)}`, "use Service")
        : refuse(place, "UnsupportedValue", `is ${kind}, which is not supported yet`, hint);
    }
    if (group !== "" && group !== "core")
      return refuse(
        child(field, "group", group),
        "InvalidValue",
        `is ${show(group)}`,
        "leave out the group of a Service",
      );
    if (namespace !== undefined && namespace !== own)
      return refuse(
        child(field, "namespace", namespace),
        "UnsupportedValue",
        `is ${namespace}, another than the plugin's own`,
        `put the plugin into namespace ${namespace}`,
      );
    return name;
  });
}
