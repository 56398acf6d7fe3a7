import type { Condition } from "../model/authorization-policy.js";
import { CONDITION_READERS, type ConditionReader } from "./condition-values.js";
import { child, type Field, type ObjectFields, type Reader, readObject, refuse } from "./fields.js";

/** The fields of a source or an operation: what they are called, and in the negative, and what they ask about. */
type Names = Readonly<Record<string, readonly [negative: string, attribute: keyof typeof CONDITION_READERS]>>;

const SOURCE: Names = {
  principals: ["notPrincipals", "source.principal"],
  requestPrincipals: ["notRequestPrincipals", "request.auth.principal"],
  namespaces: ["notNamespaces", "source.namespace"],
  serviceAccounts: ["notServiceAccounts", "source.serviceAccount"],
  trustDomains: ["notTrustDomains", "source.trustDomain"],
  ipBlocks: ["notIpBlocks", "source.ip"],
  remoteIpBlocks: ["notRemoteIpBlocks", "remote.ip"],
};

const OPERATION: Names = {
  hosts: ["notHosts", "request.host"],
  ports: ["notPorts", "destination.port"],
  methods: ["notMethods", "request.method"],
  paths: ["notPaths", "request.path"],
};

/** Who calls. What is asked for must all hold. */
export function readSource(namespace: string): Reader<readonly Condition[]> {
  return readObject((fields, field) => {
    const conditions = readAll(fields, SOURCE, namespace);
    if (fields.has("serviceAccounts") || fields.has("notServiceAccounts"))
      for (const name of ["principals", "notPrincipals", "namespaces", "notNamespaces"])
        if (fields.has(name)) conflict(field, name);
    return conditions;
  });
}

function conflict(field: Field, name: string): void {
  refuse(
    child(field, name, undefined),
    "ConflictingFields",
    "cannot be beside serviceAccounts or notServiceAccounts",
    "say by service accounts who calls, or by principals and namespaces",
  );
}

/** What is called. */
export const readOperation: Reader<readonly Condition[]> = readObject((fields) => readAll(fields, OPERATION, ""));

function readAll(fields: ObjectFields, names: Names, namespace: string): readonly Condition[] {
  return Object.entries(names).flatMap(([name, [negative, attribute]]) => {
    const read: ConditionReader = CONDITION_READERS[attribute];
    return read({
      namespace,
      list: (readValues) => ({
        values: fields.optional(name, readValues) ?? [],
        notValues: fields.optional(negative, readValues) ?? [],
      }),
    });
  });
}
