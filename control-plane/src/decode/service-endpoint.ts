import type { ServiceEndpoint } from "../model/service.js";
import { type Reader, readInteger, readMap, readObject, readPort, readString } from "./fields.js";
import { labelledLocality, readLocality } from "./locality.js";
import { readDnsLabel, readDnsSubdomain, readLabels } from "./names.js";

/** Weights of a cluster's endpoints must stay below 2^32 in sum. */
export const MAX_WEIGHT = 1_000_000;

/** An endpoint of a ServiceEntry: a WorkloadEntry without metadata, whose address is read as the resolution wants it. */
export function readServiceEndpoint(readAddress: Reader<string>): Reader<ServiceEndpoint> {
  return readObject((fields) => {
    const address = fields.required("address", readAddress, "give the endpoint's address");
    const ports = fields.optional("ports", readMap(readDnsLabel, readPort)) ?? {};
    const labels = fields.optional("labels", readLabels) ?? {};
    const weight = fields.optional("weight", readInteger(1, MAX_WEIGHT)) ?? 1;
    const locality = fields.optional("locality", readLocality) ?? labelledLocality(labels);
    const serviceAccount = fields.optional("serviceAccount", readDnsSubdomain);
    fields.optional("network", readIgnoredNetwork);
    if (address === undefined) return undefined;
    return {
      address,
      ports,
      labels,
      weight,
      ...(locality !== undefined && { locality }),
      ...(serviceAccount !== undefined && { serviceAccount }),
    };
  });
}

/** A mesh of several networks is not supported, and every address is called as it is written. */
export const readIgnoredNetwork: Reader<string> = (field) => {
  const network = readString()(field);
  if (network !== undefined)
    field.problems.warning(
      field.path,
      "NoEffect",
      "has no effect: every address is called directly",
      "remove network; the mesh has one network",
    );
  return network;
};
