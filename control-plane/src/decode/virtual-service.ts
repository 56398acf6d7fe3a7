import type { HttpMatch } from "../model/http-route.js";
import { resolveRuleHost } from "../model/service.js";
import type { VirtualService } from "../model/virtual-service.js";
import { EVERYBODY, readExportNamespaces } from "./export-to.js";
import { type Field, type ObjectFields, type Reader, readList, readObject } from "./fields.js";
import { readGateways } from "./gateways.js";
import { readHttpRules } from "./http-rule.js";
import type { Metadata } from "./metadata.js";
import { readHostPattern } from "./names.js";
import { readTcpRoutes, readTlsRoutes } from "./tcp-routes.js";

/**
 * A networking.istio.io VirtualService for traffic inside the mesh.
 * https://istio.io/latest/docs/reference/config/networking/virtual-service/
 */
export function readVirtualService(metadata: Metadata): Reader<VirtualService> {
  return readObject((fields, field) => {
    const { namespace, name } = metadata;
    const read = readList(readHostPattern, { max: 100 });
    const named = fields.optional("hosts", read) ?? [];
    const hosts = [...new Set(named.map((host) => (host.startsWith("*") ? host : resolveRuleHost(host, namespace))))];
    const isDelegate = !fields.has("hosts") || isEmptyList(fields, "hosts", field);
    if (isDelegate) checkDelegate(fields, field);
    readGateways(fields, field);
    const exportTo = fields.optional("exportTo", readExportNamespaces(namespace)) ?? EVERYBODY;
    const http = fields.optional("http", readHttpRules(namespace, !isDelegate)) ?? [];
    const tcp = fields.optional("tcp", readTcpRoutes(namespace)) ?? [];
    const tls = fields.optional("tls", readTlsRoutes(namespace, hosts)) ?? [];
    const kinds = ["http", "tcp", "tls"].filter((kind) => fields.has(kind) && !isEmptyList(fields, kind, field));
    if (kinds.length === 0)
      field.problems.error([...field.path, "http"], "MissingField", "is missing", "add a rule to http, tcp or tls");
    warnUnreachable(http, "http", field);
    warnUnreachable(tcp, "tcp", field);
    return { namespace, name, hosts, exportTo, http, tcp, tls };
  });
}

function isEmptyList(fields: ObjectFields, name: string, { value }: Field): boolean {
  const list = fields.has(name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
  return Array.isArray(list) && list.length === 0;
}

/** Without hosts it is there for others to delegate to, and has HTTP rules only. */
function checkDelegate(fields: ObjectFields, { problems, path }: Field): void {
  for (const name of ["gateways", "tcp", "tls"])
    if (fields.has(name))
      problems.error(
        [...path, name],
        "Conflict",
        "stands in a VirtualService without hosts, whose HTTP rules others delegate to",
        "name the hosts of the routes, or remove it",
      );
}

function warnUnreachable(
  rules: readonly { readonly position?: number; readonly matches: readonly object[] }[],
  kind: "http" | "tcp",
  field: Field,
): void {
  const catchAll = rules.findIndex(({ matches }) => matches.length === 0 || matches.some(isCatchAll));
  if (catchAll < 0 || catchAll === rules.length - 1) return;
  const before = rules[catchAll]?.position ?? catchAll;
  field.problems.warning(
    [...field.path, kind, rules[catchAll + 1]?.position ?? catchAll + 1],
    "UnreachableRoute",
    `is never used, because ${kind}[${before}] before it takes everything`,
    `move it before ${kind}[${before}]`,
  );
}

/** Names and prefixes of metrics narrow nothing. */
const NOT_A_CONDITION: ReadonlySet<string> = new Set([
  "name",
  "statPrefix",
  "ignoreUriCase",
] satisfies (keyof HttpMatch)[]);

function isCatchAll(match: object): boolean {
  return Object.entries(match).every(
    ([name, value]) => NOT_A_CONDITION.has(name) || (Array.isArray(value) && value.length === 0),
  );
}
