import type { BackendRef } from "../model/gateway-route.js";
import { type ObjectFields, type Reader, readAnyString, readObject, readPort } from "./fields.js";
import { readDnsLabel, readDnsSubdomain } from "./names.js";

/** https://gateway-api.sigs.k8s.io/reference/spec/#backendobjectreference */
export function readBackendRef(own: string): Reader<BackendRef> {
  return readObject((fields) => readReference(fields, own));
}

/** The same among other fields. */
export function readReference(fields: ObjectFields, own: string): BackendRef {
  const group = fields.optional("group", readAnyString(253)) ?? "";
  const kind = fields.optional("kind", readAnyString(63)) ?? "Service";
  const namespace = fields.optional("namespace", readDnsLabel) ?? own;
  const name = fields.required("name", readDnsSubdomain, "name the Service");
  const port = fields.optional("port", readPort);
  return {
    // A Service of another group is no Service of ours.
    kind: group === "" || group === "core" ? kind : `${kind}.${group}`,
    namespace,
    name: name ?? "",
    ...(port !== undefined && { port }),
  };
}
