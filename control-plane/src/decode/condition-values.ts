import { isIPv4 } from "node:net";
import type { AddressBlock, Condition, PathMatch, TextMatch } from "../model/authorization-policy.js";
import { type Field, type Reader, readList, readString, refuse, show } from "./fields.js";

const MAX_LENGTH = 1024;

/** The two lists of values of a condition, wherever they are written. */
interface ValueLists {
  /** Of the policy. */
  readonly namespace: string;
  readonly list: <T>(read: Reader<T[]>) => { readonly values: readonly T[]; readonly notValues: readonly T[] };
}

/** A condition from its values; none where there are no values. */
export type ConditionReader = (lists: ValueLists) => readonly Condition[];

function conditionOf<T>(
  read: (namespace: string) => Reader<T>,
  make: (values: { readonly values: readonly T[]; readonly notValues: readonly T[] }) => Condition,
): ConditionReader {
  return ({ namespace, list }) => {
    const lists = list(readList(read(namespace)));
    return lists.values.length + lists.notValues.length === 0 ? [] : [make(lists)];
  };
}

const WILDCARD_HINT = "put one * at the start or at the end, or write * alone for any value";

/** `a`, `a*`, `*a` or `*`. */
export const readTextMatch: Reader<TextMatch> = (field) => {
  const text = readString(MAX_LENGTH)(field);
  if (text === undefined) return undefined;
  if (text === "*") return { kind: "present" };
  if (text.startsWith("*")) return { kind: "suffix", value: text.slice(1) };
  if (text.endsWith("*")) return { kind: "prefix", value: text.slice(0, -1) };
  return { kind: "exact", value: text };
};

/** The same of a name, in which another `*` would only be a `*`, and the rule would not be what it looks like. */
const readNameMatch: Reader<TextMatch> = (field) => {
  const match = readTextMatch(field);
  if (match === undefined || match.kind === "present" || !match.value.includes("*")) return match;
  return refuse(field, "InvalidValue", `${show(field.value)} has a * within`, WILDCARD_HINT);
};

const readPrincipal: Reader<TextMatch> = (field) => {
  const match = readNameMatch(field);
  if (match === undefined || match.kind === "present" || !match.value.includes("://")) return match;
  const hint = "leave out the scheme: <trust domain>/ns/<namespace>/sa/<service account>";
  return refuse(field, "InvalidValue", `${show(field.value)} has a scheme`, hint);
};

/** `<issuer>/<subject>`; an issuer is often a URL. */
const readTokenPrincipal: Reader<TextMatch> = (field) => {
  const match = readNameMatch(field);
  if (match?.kind !== "exact" || match.value.includes("/")) return match;
  const hint = "write <issuer>/<subject>, or <issuer>/* for all subjects";
  return refuse(field, "InvalidValue", `${show(match.value)} has no subject`, hint);
};

function readServiceAccount(namespace: string): Reader<TextMatch> {
  return (field) => {
    const text = readString(320)(field);
    if (text === undefined) return undefined;
    const full = text.includes("/") ? text : `${namespace}/${text}`;
    if (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?\/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(full))
      return { kind: "exact", value: full };
    const hint = "write <namespace>/<name>, or the name of one in the policy's own namespace, without wildcards";
    return refuse(field, "InvalidValue", `${show(text)} is not a service account`, hint);
  };
}

const readMethod: Reader<TextMatch> = (field) => {
  const match = readNameMatch(field);
  if (match === undefined || match.kind === "present" || match.value === match.value.toUpperCase()) return match;
  return refuse(field, "InvalidValue", `${show(field.value)} is not in capitals`, `write ${match.value.toUpperCase()}`);
};

const readPath: Reader<PathMatch> = (field) => {
  const match = readTextMatch(field);
  if (match === undefined || match.kind === "present") return match;
  const { value } = match;
  const template = /[{}]/.test(value);
  if (template && (match.kind !== "exact" || !isTemplate(value)))
    return refuse(
      field,
      "InvalidPath",
      `${show(field.value)} is no template of paths`,
      "write {*} for one segment and {**} for any number of them as the last operator, without other braces and stars",
    );
  if (value.includes("*") && !template)
    return refuse(field, "InvalidPath", `${show(field.value)} has a * within`, `${WILDCARD_HINT}; {*} is one segment`);
  if (match.kind !== "suffix" && !value.startsWith("/"))
    return refuse(field, "InvalidPath", `${show(field.value)} is no path`, "begin it with /");
  const never = neverSeen(value);
  if (never !== undefined)
    return refuse(field, "InvalidPath", `has ${never}, so no request would match`, "write the path as apps see it");
  return template ? { kind: "template", value } : match;
};

/** What no request has in its path by the time that it is compared. */
function neverSeen(path: string): string | undefined {
  if (path.includes("?")) return "a ?, and the query is not part of a path";
  if (path.includes("#")) return "a #";
  if (/%2f|%5c|%00|\\/i.test(path)) return "an encoded slash or a backslash, which policies refuse";
  if (path.includes("//")) return "//, which is merged into /";
  if (/\/\.{1,2}(\/|$)/.test(path)) return "a segment . or .., which is resolved";
  return undefined;
}

function isTemplate(text: string): boolean {
  const segments = text.split("/");
  const operators = segments.filter((segment) => /[{}*]/.test(segment));
  const anyNumber = operators.indexOf("{**}");
  return (
    operators.every((segment) => segment === "{*}" || segment === "{**}") &&
    (anyNumber < 0 || anyNumber === operators.length - 1)
  );
}

/** An IPv4 address or a block of them. */
const readAddressBlock: Reader<AddressBlock> = (field) => {
  const text = readString(64)(field);
  if (text === undefined) return undefined;
  const [address = "", length, ...more] = text.split("/");
  const family = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0;
  const bits = length === undefined ? family : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if (family > 0 && bits >= 0 && bits <= family && more.length === 0) return { address, bits };
  return refuse(
    field,
    "InvalidAddress",
    `${show(text)} is no block of addresses`,
    "write it like 10.1.2.3 or 10.1.0.0/16",
  );
};

function isIPv6(text: string): boolean {
  if (!/^[0-9a-f:.]+$/i.test(text) || !text.includes(":")) return false;
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const last = groups.at(-1) ?? "";
  const embedded = isIPv4(last);
  const hex = embedded ? groups.slice(0, -1) : groups;
  const count = groups.length + (embedded ? 1 : 0);
  return hex.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) && (halves.length === 2 ? count < 8 : count === 8);
}

function readPortText(field: Field): number | undefined {
  if (typeof field.value === "number")
    return refuse(field, "WrongType", `is the number ${field.value}`, `write it in quotes: "${field.value}"`);
  const text = readString(5)(field);
  if (text === undefined) return undefined;
  if (/^[1-9]\d*$/.test(text) && Number(text) <= 65535) return Number(text);
  return refuse(field, "OutOfRange", `is ${show(text)}`, "use the number of a port of the workload, from 1 to 65535");
}

const always =
  <T>(read: Reader<T>) =>
  () =>
    read;

/** By attribute. */
export const CONDITION_READERS = {
  "source.principal": conditionOf(always(readPrincipal), (v) => ({ attribute: "source.principal", ...v })),
  "source.namespace": conditionOf(always(readNameMatch), (v) => ({ attribute: "source.namespace", ...v })),
  "source.serviceAccount": conditionOf(readServiceAccount, (v) => ({ attribute: "source.serviceAccount", ...v })),
  "source.trustDomain": conditionOf(always(readNameMatch), (v) => ({ attribute: "source.trustDomain", ...v })),
  "source.ip": conditionOf(always(readAddressBlock), (v) => ({ attribute: "source.ip", ...v })),
  "remote.ip": conditionOf(always(readAddressBlock), (v) => ({ attribute: "remote.ip", ...v })),
  "destination.ip": conditionOf(always(readAddressBlock), (v) => ({ attribute: "destination.ip", ...v })),
  "destination.port": conditionOf(always(readPortText), (v) => ({ attribute: "destination.port", ...v })),
  "connection.sni": conditionOf(always(readNameMatch), (v) => ({ attribute: "connection.sni", ...v })),
  "request.auth.principal": conditionOf(always(readTokenPrincipal), (v) => ({
    attribute: "request.auth.principal",
    ...v,
  })),
  "request.auth.audiences": conditionOf(always(readTextMatch), (v) => ({ attribute: "request.auth.audiences", ...v })),
  "request.auth.presenter": conditionOf(always(readTextMatch), (v) => ({ attribute: "request.auth.presenter", ...v })),
  "request.host": conditionOf(always(readNameMatch), (v) => ({ attribute: "request.host", ...v })),
  "request.method": conditionOf(always(readMethod), (v) => ({ attribute: "request.method", ...v })),
  "request.path": conditionOf(always(readPath), (v) => ({ attribute: "request.path", ...v })),
} satisfies Readonly<Record<string, ConditionReader>>;

/** A condition of a header. */
export function headerReader(name: string): ConditionReader {
  return conditionOf(always(readTextMatch), (v) => ({ attribute: "request.headers", name, ...v }));
}

/** A condition of a token's claim. */
export function claimReader(path: readonly string[]): ConditionReader {
  return conditionOf(always(readTextMatch), (v) => ({ attribute: "request.auth.claims", path, ...v }));
}
