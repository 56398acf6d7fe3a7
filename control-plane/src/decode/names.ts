import { isIPv4 } from "node:net";
import type { Labels } from "../model/selector.js";
import { type Field, type Reader, readAnyString, readMap, readString, refuse, show } from "./fields.js";

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

const LABEL_HINT = "use lower-case letters, digits and '-', at most 63, and a letter or digit at both ends";
const SUBDOMAIN_HINT =
  "use lower-case letters, digits, '-' and '.', at most 253, and a letter or digit around each '.'";
const QUALIFIED_HINT = "use letters, digits, '-', '_' and '.', at most 63, and a letter or digit at both ends";

/** A DNS label of RFC 1123: names of namespaces, Services, ports, subsets. */
export const readDnsLabel: Reader<string> = readName(LABEL, 63, LABEL_HINT);

/** A DNS subdomain of RFC 1123: names of most objects. */
export const readDnsSubdomain: Reader<string> = readName(SUBDOMAIN, 253, SUBDOMAIN_HINT);

function readName(pattern: RegExp, maxLength: number, hint: string): Reader<string> {
  return (field) => {
    const name = readString()(field);
    if (name === undefined || (name.length <= maxLength && pattern.test(name))) return name;
    return refuse(field, "InvalidName", `${show(name)} is not a valid name`, hint);
  };
}

/** Key of a label or an annotation: a name with, before a `/`, an optional DNS subdomain. */
export const readQualifiedName: Reader<string> = (field) => {
  const key = readString()(field);
  if (key === undefined) return undefined;
  const slash = key.indexOf("/");
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  if (prefix !== undefined && !(prefix.length <= 253 && SUBDOMAIN.test(prefix)))
    return refuse(field, "InvalidLabel", `${show(prefix)} is not a valid prefix of a label`, SUBDOMAIN_HINT);
  if (name.length <= 63 && QUALIFIED.test(name)) return key;
  return refuse(field, "InvalidLabel", `${show(name)} is not a valid name of a label`, QUALIFIED_HINT);
};

const readLabelValue: Reader<string> = (field) => {
  const value = readAnyString()(field);
  if (value === undefined || value === "" || (value.length <= 63 && QUALIFIED.test(value))) return value;
  return refuse(field, "InvalidLabel", `${show(value)} is not a valid value of a label`, QUALIFIED_HINT);
};

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
export const readLabels: Reader<Labels> = readMap(readQualifiedName, readLabelValue);

/** Annotations: keys like those of labels, values of any text. */
export const readAnnotations: Reader<Readonly<Record<string, string>>> = readMap(
  readQualifiedName,
  readAnyString(256 * 1024),
);

/** A host name without wildcard: a short name, or a DNS name. */
export const readHost: Reader<string> = (field: Field) => {
  const host = readString()(field);
  if (host === undefined) return undefined;
  if (host.includes("*"))
    return refuse(
      field,
      "UnsupportedValue",
      `${show(host)} has a wildcard, which cannot stand here`,
      "name the hosts one by one",
    );
  if (isIPv4(host) || host.includes(":"))
    return refuse(
      field,
      "UnsupportedValue",
      `${show(host)} is an address, which is not supported yet`,
      "name a Service",
    );
  if (host.length <= 253 && SUBDOMAIN.test(host)) return host;
  return refuse(field, "InvalidHost", `${show(host)} is not a host name`, SUBDOMAIN_HINT);
};

/** A host that may begin with a wildcard: `*`, `*.example.com`, `*-api.example.com`. */
export const readHostPattern: Reader<string> = (field: Field) => {
  const host = readString()(field);
  if (host === undefined || host === "*") return host;
  if (!host.startsWith("*")) return readHost(field);
  const rest = host.slice(1).replace(/^[.-]/, "");
  if (host.length <= 253 && rest !== "" && SUBDOMAIN.test(rest)) return host;
  return refuse(field, "InvalidHost", `${show(host)} is not a host name`, "a * stands at the beginning only");
};
