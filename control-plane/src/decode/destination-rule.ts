import type { DestinationRule, Subset } from "../model/destination-rule.js";
import { resolveHost } from "../model/service.js";
import { readExportTo } from "./export-to.js";
import { type Field, type Reader, readList, readObject, refuse, show } from "./fields.js";
import type { Metadata } from "./metadata.js";
import { readDnsLabel, readHost, readLabels } from "./names.js";

const POLICY_HINT = "remove it; load balancing, connection pools and TLS settings come with a later version";

/**
 * A networking.istio.io DestinationRule, of which the subsets are supported.
 * https://istio.io/latest/docs/reference/config/networking/destination-rule/
 */
export function readDestinationRule(metadata: Metadata): Reader<DestinationRule> {
  return readObject((fields, field) => {
    fields.unsupported({ trafficPolicy: POLICY_HINT, workloadSelector: "remove it; the rule is for all callers" });
    readExportTo(fields);
    const host = fields.required("host", readHost, "name the Service that the rule is for");
    const subsets = fields.optional("subsets", readList(readSubset, { max: 100 })) ?? [];
    checkNames(subsets, field);
    if (host === undefined) return undefined;
    const { namespace, name } = metadata;
    return { namespace, name, host: resolveHost(host, namespace), subsets };
  });
}

const readSubset: Reader<Subset> = readObject((fields) => {
  fields.unsupported({ trafficPolicy: POLICY_HINT });
  const name = fields.required("name", readDnsLabel, "give the subset a name");
  const labels = fields.optional("labels", readLabels) ?? {};
  return { name: name ?? "", labels };
});

function checkNames(subsets: readonly Subset[], field: Field): void {
  subsets.forEach(({ name }, position) => {
    if (name === "" || subsets.findIndex((subset) => subset.name === name) === position) return;
    const place = { ...field, path: [...field.path, "subsets", position, "name"] };
    refuse(place, "DuplicateName", `${show(name)} is used by two subsets`, "give each subset a name of its own");
  });
}
