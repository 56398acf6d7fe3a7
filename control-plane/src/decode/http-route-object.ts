import type { GatewayRoute, GatewayRule } from "../model/gateway-route.js";
import type { HeaderMatch, HttpMatch, QueryParamMatch, RetryPolicy, UriMatch } from "../model/http-route.js";
import type { StringMatch } from "../model/string-match.js";
import { readDurationMs } from "./duration.js";
import {
  child,
  type ObjectFields,
  type Reader,
  readAnyString,
  readInteger,
  readList,
  readObject,
  readOneOf,
  readString,
  refuse,
  show,
} from "./fields.js";
import { readHttpFilters } from "./gateway-filters.js";
import { readRoute } from "./gateway-route.js";
import { readHeaderName } from "./http-header.js";
import type { Metadata } from "./metadata.js";
import { readDnsSubdomain } from "./names.js";
import { readRegex } from "./string-match.js";
import { readBackends } from "./weighted-backends.js";

const MAX_RULES = 16;
const MAX_MATCHES = 64;
const MAX_HEADERS = 16;
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"] as const;

/** A gateway.networking.k8s.io HTTPRoute: https://gateway-api.sigs.k8s.io/reference/spec/#httproute */
export function readHttpRoute(metadata: Metadata): Reader<GatewayRoute> {
  const readRules = readList(readRule(metadata.namespace), { max: MAX_RULES });
  return readRoute("HTTPRoute", metadata, (fields) => fields.optional("rules", readRules) ?? []);
}

/** The match of a rule that has none. */
const EVERYTHING: HttpMatch = { uri: { kind: "path", value: "/" }, headers: [], queryParams: [] };

function readRule(namespace: string): Reader<GatewayRule> {
  return readObject((fields, field): GatewayRule => {
    fields.unsupported({ sessionPersistence: "use a DestinationRule with consistentHash.httpCookie" });
    const name = fields.optional("name", readDnsSubdomain);
    const matches = fields.optional("matches", readList(readMatch, { max: MAX_MATCHES })) ?? [];
    const filters = fields.optional("filters", readHttpFilters(namespace));
    const backends = fields.optional("backendRefs", readBackends(namespace)) ?? [];
    const timeouts = fields.optional("timeouts", readTimeouts);
    const retries = fields.optional("retry", readRetry);
    const { redirect, ...rest } = filters ?? { mirrors: [] };
    if (redirect !== undefined && backends.length > 0)
      refuse(child(field, "backendRefs", undefined), "Conflict", "stands beside RequestRedirect", "keep one of them");
    const perTryTimeoutMs = timeouts?.backendMs;
    if ([redirect?.path, rest.rewrite?.path].some((path) => path?.kind === "prefix") && !matches.every(isPrefix))
      refuse(
        child(field, "filters", undefined),
        "Conflict",
        "replaces a prefix, and a match has none",
        "match by PathPrefix",
      );
    return {
      ...rest,
      matches: matches.length === 0 ? [EVERYTHING] : matches,
      action: redirect === undefined ? { kind: "forward", backends } : { kind: "redirect", redirect },
      ...(name !== undefined && { name }),
      ...(timeouts?.requestMs !== undefined && { timeoutMs: timeouts.requestMs }),
      ...((retries !== undefined || perTryTimeoutMs !== undefined) && {
        retries: { ...(retries ?? MESH_RETRIES), ...(perTryTimeoutMs !== undefined && { perTryTimeoutMs }) },
      }),
    };
  });
}

/** What holds where nobody says how often; written down because a time limit for each try needs it. */
const MESH_RETRIES: RetryPolicy = { attempts: 2 };

function isPrefix({ uri }: HttpMatch): boolean {
  return uri?.kind === "path";
}

interface Timeouts {
  readonly requestMs?: number;
  readonly backendMs?: number;
}

/** https://gateway-api.sigs.k8s.io/geps/gep-1742/; zero switches a limit off. */
const readTimeouts: Reader<Timeouts> = readObject((fields, field) => {
  const requestMs = fields.optional("request", readDurationMs(0));
  const backendMs = fields.optional("backendRequest", readDurationMs(0));
  if (requestMs !== undefined && requestMs > 0 && backendMs !== undefined && backendMs > requestMs)
    refuse(child(field, "backendRequest", undefined), "OutOfRange", "is longer than request", "make it shorter");
  return {
    ...(requestMs !== undefined && { requestMs }),
    ...(backendMs !== undefined && backendMs > 0 && { backendMs }),
  };
});

/** https://gateway-api.sigs.k8s.io/geps/gep-1731/ */
const readRetry: Reader<RetryPolicy> = readObject((fields) => {
  const statusCodes = fields.optional("codes", readList(readInteger(400, 599), { max: 200 })) ?? [];
  const attempts = fields.optional("attempts", readInteger(0, 100)) ?? 1;
  const backoffMs = fields.optional("backoff", readDurationMs(1));
  const conditions = ["connect-failure", "refused-stream", "unavailable", "cancelled"];
  return {
    attempts,
    retryOn: statusCodes.length === 0 ? conditions : [...conditions, "retriable-status-codes"],
    ...(statusCodes.length > 0 && { statusCodes: [...new Set(statusCodes)].sort((a, b) => a - b) }),
    ...(backoffMs !== undefined && { backoffMs }),
  };
});

const readMatch: Reader<HttpMatch> = readObject((fields) => {
  const uri = fields.optional("path", readPath) ?? EVERYTHING.uri;
  const method = fields.optional("method", readOneOf(METHODS));
  const headers = fields.optional("headers", readHeaderMatches) ?? [];
  const queryParams = fields.optional("queryParams", readQueryParams) ?? [];
  return {
    headers,
    queryParams,
    ...(uri !== undefined && { uri }),
    ...(method !== undefined && { method: { kind: "exact", value: method } }),
  };
});

/** https://gateway-api.sigs.k8s.io/reference/spec/#httppathmatch */
const readPath: Reader<UriMatch> = readObject((fields, field) => {
  const type = fields.optional("type", readOneOf(["Exact", "PathPrefix", "RegularExpression"])) ?? "PathPrefix";
  const value = fields.optional("value", type === "RegularExpression" ? readRegex : readString()) ?? "/";
  if (type === "RegularExpression") return { kind: "regex", value };
  const place = child(field, "value", value);
  if (!value.startsWith("/")) return refuse(place, "InvalidPath", `${show(value)} is not a path`, "begin it with /");
  if (/\/\/|\/\.\.?(?:\/|$)|%2f|#/i.test(value))
    return refuse(
      place,
      "InvalidPath",
      `${show(value)} has a part that is never called`,
      "write the path without //, /./, /../, %2f and #",
    );
  return type === "Exact" ? { kind: "exact", value } : { kind: "path", value };
});

/** Of headers, and of parameters, of the same name the first counts. */
export const readHeaderMatches: Reader<HeaderMatch[]> = (field) =>
  firstByName(readList(readNamed(readHeaderName("match on path or method instead")), { max: MAX_HEADERS })(field));

const readQueryParams: Reader<QueryParamMatch[]> = (field) =>
  firstByName(readList(readNamed(readString(256)), { max: MAX_HEADERS })(field));

function readNamed(readName: Reader<string>): Reader<{ readonly name: string; readonly match: StringMatch }> {
  return readObject((fields) => {
    const name = fields.required("name", readName);
    const match = readTypedMatch(fields);
    return name === undefined || match === undefined ? undefined : { name, match };
  });
}

function readTypedMatch(fields: ObjectFields): StringMatch | undefined {
  const type = fields.optional("type", readOneOf(["Exact", "RegularExpression"])) ?? "Exact";
  const value = fields.required("value", type === "Exact" ? readAnyString(4096) : readRegex);
  return value === undefined ? undefined : { kind: type === "Exact" ? "exact" : "regex", value };
}

function firstByName<T extends { readonly name: string }>(items: readonly T[] | undefined): T[] | undefined {
  return items?.filter(({ name }, i) => items.findIndex((other) => other.name === name) === i);
}
