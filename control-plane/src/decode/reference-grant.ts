import type { ReferenceGrant } from "../model/gateway-route.js";
import { type Reader, readAnyString, readList, readObject } from "./fields.js";
import type { Metadata } from "./metadata.js";
import { readDnsLabel, readDnsSubdomain } from "./names.js";

const MAX_ENTRIES = 16;

/** A gateway.networking.k8s.io ReferenceGrant: https://gateway-api.sigs.k8s.io/reference/spec/#referencegrant */
export function readReferenceGrant({ namespace, name }: Metadata): Reader<ReferenceGrant> {
  return readObject((fields) => {
    const from = fields.required("from", readList(readFrom, { min: 1, max: MAX_ENTRIES })) ?? [];
    const to = fields.required("to", readList(readTo, { min: 1, max: MAX_ENTRIES })) ?? [];
    return { namespace, name, from, to };
  });
}

const readFrom: Reader<ReferenceGrant["from"][number]> = readObject((fields) => {
  const group = fields.required("group", readAnyString(253));
  const kind = fields.required("kind", readAnyString(63));
  const namespace = fields.required("namespace", readDnsLabel);
  // Grants to kinds of other groups are not for routes of the mesh.
  return {
    kind: group === "gateway.networking.k8s.io" ? (kind ?? "") : `${kind}.${group}`,
    namespace: namespace ?? "",
  };
});

const readTo: Reader<ReferenceGrant["to"][number]> = readObject((fields) => {
  const group = fields.required("group", readAnyString(253));
  const kind = fields.required("kind", readAnyString(63));
  const name = fields.optional("name", readDnsSubdomain);
  return { kind: group === "" ? (kind ?? "") : `${kind}.${group}`, ...(name !== undefined && { name }) };
});
