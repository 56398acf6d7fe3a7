import type { DestinationRule, Subset } from "../model/destination-rule.js";
import { resolveRuleHost } from "../model/service.js";
import { EVERYBODY, readExportNamespaces } from "./export-to.js";
import { type Field, type Reader, readList, readObject, refuse, show } from "./fields.js";
import type { Metadata } from "./metadata.js";
import { readDnsLabel, readHost, readLabels } from "./names.js";
import { readTrafficPolicy } from "./traffic-policy.js";

/**
 * A networking.istio.io DestinationRule.
 * https://istio.io/latest/docs/reference/config/networking/destination-rule/
 */
export function readDestinationRule(metadata: Metadata): Reader<DestinationRule> {
  const { namespace, name } = metadata;
  return readObject((fields, field) => {
    fields.unsupported({
      workloadSelector: "remove it; a rule is for all callers of the namespaces that exportTo names",
    });
    const host = fields.required("host", readHostOrSuffix, "name the Service that the rule is for");
    const exportTo = fields.optional("exportTo", readExportNamespaces(namespace)) ?? EVERYBODY;
    const policy = fields.optional("trafficPolicy", readTrafficPolicy);
    const subsets = fields.optional("subsets", readList(readSubset, { max: 100 })) ?? [];
    checkNames(subsets, field);
    if (host === undefined) return undefined;
    return {
      namespace,
      name,
      host: host.startsWith("*") ? host : resolveRuleHost(host, namespace),
      subsets,
      exportTo,
      ...(policy !== undefined && { policy }),
    };
  });
}

/** A host, or `*`, or `*.` and the end of hosts. */
const readHostOrSuffix: Reader<string> = (field) => {
  const { value } = field;
  if (typeof value !== "string" || !value.startsWith("*")) return readHost(field);
  if (value === "*") return value;
  if (!value.startsWith("*."))
    return refuse(field, "InvalidHost", `${show(value)} is not a host name`, "write * alone, or *. before a name");
  return readHost({ ...field, value: value.slice(2) }) && value;
};

const readSubset: Reader<Subset> = readObject((fields) => {
  const name = fields.required("name", readDnsLabel, "give the subset a name");
  const labels = fields.optional("labels", readLabels) ?? {};
  const policy = fields.optional("trafficPolicy", readTrafficPolicy);
  return { name: name ?? "", labels, ...(policy !== undefined && { policy }) };
});

function checkNames(subsets: readonly Subset[], field: Field): void {
  subsets.forEach(({ name }, position) => {
    if (name === "" || subsets.findIndex((subset) => subset.name === name) === position) return;
    const place = { ...field, path: [...field.path, "subsets", position, "name"] };
    refuse(place, "DuplicateName", `${show(name)} is used by two subsets`, "give each subset a name of its own");
  });
}
