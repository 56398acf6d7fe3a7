import type { Condition } from "../model/authorization-policy.js";
import { CONDITION_READERS, type ConditionReader, claimReader, headerReader } from "./condition-values.js";
import { child, type Field, type Reader, readObject, readString, refuse, show } from "./fields.js";
import { nearest } from "./nearest.js";

/** Keys of `when` that are written as they are. Hosts, methods and paths are asked for in operations alone. */
const PLAIN_KEYS = [
  "source.principal",
  "source.namespace",
  "source.serviceAccount",
  "source.trustDomain",
  "source.ip",
  "remote.ip",
  "destination.ip",
  "destination.port",
  "connection.sni",
  "request.auth.principal",
  "request.auth.audiences",
  "request.auth.presenter",
] as const;

const KEYS_WITH_NAMES = ["request.headers[<name>]", "request.auth.claims[<claim>]"];

/**
 * An item of `when`. https://istio.io/latest/docs/reference/config/security/conditions/
 */
export function readCondition(namespace: string): Reader<Condition> {
  return readObject((fields, field) => {
    const read = fields.required("key", readKey, "name what is asked for, for example request.headers[x-token]");
    const [condition] = (read ?? unread)({
      namespace,
      list: (readValues) => ({
        values: fields.optional("values", readValues) ?? [],
        notValues: fields.optional("notValues", readValues) ?? [],
      }),
    });
    if (condition === undefined && read !== undefined && !field.problems.hasErrors)
      return refuse(child(field, "values", undefined), "MissingField", "is missing", "write values or notValues");
    return condition;
  });
}

/** Takes note of the values of an unknown key, so that only the key is complained of. */
const unread: ConditionReader = ({ list }) => {
  list(() => []);
  return [];
};

function readKey(field: Field): ConditionReader | undefined {
  const key = readString(512)(field);
  if (key === undefined) return undefined;
  const plain = PLAIN_KEYS.find((candidate) => candidate === key);
  if (plain !== undefined) return CONDITION_READERS[plain];
  const [, base, names = ""] = /^([\w.]+)((?:\[[^[\]]+\])+)$/.exec(key) ?? [];
  const path = [...names.matchAll(/\[([^[\]]+)\]/g)].map(([, name = ""]) => name);
  if (base === "request.auth.claims") return claimReader(path);
  if (base === "request.headers") {
    const [name = ""] = path;
    if (path.length === 1 && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return headerReader(name.toLowerCase());
    const hint = "write one header in brackets, without quotes, for example request.headers[x-token]";
    return refuse(field, "InvalidValue", `${show(key)} names no header`, hint);
  }
  if (key.startsWith("experimental.envoy.filters."))
    return refuse(
      field,
      "UnsupportedValue",
      `${show(key)} is not supported`,
      "no filter of the mesh makes such metadata",
    );
  const near = nearest(key, PLAIN_KEYS);
  const hint =
    near === undefined ? `use one of ${[...PLAIN_KEYS, ...KEYS_WITH_NAMES].join(", ")}` : `did you mean ${near}?`;
  return refuse(field, "UnknownKey", `is ${show(key)}`, hint);
}
