import type { MessageInitShape } from "@bufbuild/protobuf";
import type { PermissionSchema, PrincipalSchema } from "../envoy-api/gen/envoy/config/rbac/v3/rbac_pb.js";
import type { StringMatcherSchema } from "../envoy-api/gen/envoy/type/matcher/v3/string_pb.js";
import type { AddressBlock, Condition, TextMatch } from "../model/authorization-policy.js";
import { CLUSTER_DOMAIN } from "../model/service.js";
import { pathMatcher, quote } from "./path-matcher.js";
import { claimPrincipal, tokenPrincipal } from "./rbac-claims.js";

export type PermissionInit = MessageInitShape<typeof PermissionSchema>;
export type PrincipalInit = MessageInitShape<typeof PrincipalSchema>;
type StringMatcherInit = MessageInitShape<typeof StringMatcherSchema>;

/** What a condition is about that is not said in it. */
export interface RbacSite {
  readonly trustDomain: string;
  /** The port that is called, as the workload has it. Absent: Envoy sees it. */
  readonly appPort?: number;
  /** Whether what matches is refused, so that a doubtful match must be one. */
  readonly refuses: boolean;
}

/** A condition in Envoy's terms: of what is called, or of who calls. */
export type RbacCondition =
  | { readonly kind: "permission"; readonly value: PermissionInit }
  | { readonly kind: "principal"; readonly value: PrincipalInit };

export function rbacCondition(condition: Condition, site: RbacSite): RbacCondition {
  switch (condition.attribute) {
    case "source.principal":
      return principal(condition, (match) => authenticated(principalMatcher(match, site.trustDomain)));
    case "source.trustDomain":
      return principal(condition, (match) => authenticated(regex(`spiffe://${segment(match)}/.*`)));
    case "source.namespace":
      return principal(condition, (match) => authenticated(regex(`spiffe://[^/]+/ns/${segment(match)}/sa/[^/]+`)));
    case "source.serviceAccount":
      return principal(condition, (match) => authenticated(regex(`spiffe://[^/]+/${account(match)}`)));
    case "source.ip":
      return principal(condition, (block) => ({ identifier: { case: "directRemoteIp", value: cidr(block) } }));
    case "remote.ip":
      return principal(condition, (block) => ({ identifier: { case: "remoteIp", value: cidr(block) } }));
    case "request.auth.principal":
      return principal(condition, tokenPrincipal);
    case "request.auth.audiences":
      return principal(condition, (match) => claimPrincipal(["aud"], match));
    case "request.auth.presenter":
      return principal(condition, (match) => claimPrincipal(["azp"], match));
    case "request.auth.claims":
      return principal(condition, (match) => claimPrincipal(condition.path, match));
    case "request.headers":
      return permission(condition, (match) => header(condition.name, textMatcher(match)));
    case "request.host":
      return permission(condition, (match) => header(":authority", hostMatcher(match)));
    case "request.method":
      return permission(condition, (match) => header(":method", textMatcher(match)));
    case "request.path":
      return permission(condition, (match, negated) => ({
        // What is excepted from a refusal is let through, and must be what it looks like.
        rule: { case: "urlPath", value: pathMatcher(match, site.refuses !== negated) },
      }));
    case "connection.sni":
      return permission(condition, (match) => ({ rule: { case: "requestedServerName", value: textMatcher(match) } }));
    case "destination.ip":
      return permission(condition, (block) => ({ rule: { case: "destinationIp", value: cidr(block) } }));
    case "destination.port":
      return permission(condition, (port) => destinationPort(port, site));
  }
}

export const ANY_PERMISSION: PermissionInit = { rule: { case: "any", value: true } };
export const ANY_PRINCIPAL: PrincipalInit = { identifier: { case: "any", value: true } };
const NO_PERMISSION: PermissionInit = { rule: { case: "notRule", value: ANY_PERMISSION } };

export function allPermissions(rules: readonly PermissionInit[]): PermissionInit {
  const [first] = rules;
  if (first === undefined) return ANY_PERMISSION;
  return rules.length === 1 ? first : { rule: { case: "andRules", value: { rules: [...rules] } } };
}

function anyPermission(rules: readonly PermissionInit[]): PermissionInit {
  const [first] = rules;
  if (rules.length === 1 && first !== undefined) return first;
  return { rule: { case: "orRules", value: { rules: [...rules] } } };
}

export function allPrincipals(ids: readonly PrincipalInit[]): PrincipalInit {
  const [first] = ids;
  if (first === undefined) return ANY_PRINCIPAL;
  return ids.length === 1 ? first : { identifier: { case: "andIds", value: { ids: [...ids] } } };
}

function anyPrincipal(ids: readonly PrincipalInit[]): PrincipalInit {
  const [first] = ids;
  if (ids.length === 1 && first !== undefined) return first;
  return { identifier: { case: "orIds", value: { ids: [...ids] } } };
}

interface Values<V> {
  readonly values: readonly V[];
  readonly notValues: readonly V[];
}

/** One of the values, and none of the others; `negated` tells the matcher of a value which of the two it is for. */
function permission<V>(
  { values, notValues }: Values<V>,
  matcher: (value: V, negated: boolean) => PermissionInit,
): RbacCondition {
  const rules: PermissionInit[] = [];
  if (values.length > 0) rules.push(anyPermission(values.map((value) => matcher(value, false))));
  if (notValues.length > 0) {
    const value = anyPermission(notValues.map((each) => matcher(each, true)));
    rules.push({ rule: { case: "notRule", value } });
  }
  return { kind: "permission", value: allPermissions(rules) };
}

function principal<V>({ values, notValues }: Values<V>, matcher: (value: V) => PrincipalInit): RbacCondition {
  const ids: PrincipalInit[] = [];
  if (values.length > 0) ids.push(anyPrincipal(values.map(matcher)));
  if (notValues.length > 0) ids.push({ identifier: { case: "notId", value: anyPrincipal(notValues.map(matcher)) } });
  return { kind: "principal", value: allPrincipals(ids) };
}

function destinationPort(port: number, { appPort }: RbacSite): PermissionInit {
  if (appPort === undefined) return { rule: { case: "destinationPort", value: port } };
  return port === appPort ? ANY_PERMISSION : NO_PERMISSION;
}

/** By a name in the certificate of the caller. Envoy tries all names of it, so the matcher must begin with `spiffe://`. */
function authenticated(principalName: StringMatcherInit): PrincipalInit {
  return { identifier: { case: "authenticated", value: { principalName } } };
}

/** As in Istio `cluster.local` stands for the mesh's own trust domain, whatever that is. */
function principalMatcher(match: TextMatch, trustDomain: string): StringMatcherInit {
  if (match.kind === "present") return regex("spiffe://.+");
  if (match.kind === "suffix") return regex(`spiffe://.*${quote(match.value)}`);
  const value = match.value.startsWith(`${CLUSTER_DOMAIN}/`)
    ? `${trustDomain}${match.value.slice(CLUSTER_DOMAIN.length)}`
    : match.value;
  return { matchPattern: { case: match.kind, value: `spiffe://${value}` } };
}

/** One segment of a SPIFFE id. */
function segment(match: TextMatch): string {
  switch (match.kind) {
    case "exact":
      return quote(match.value);
    case "prefix":
      return `${quote(match.value)}[^/]*`;
    case "suffix":
      return `[^/]*${quote(match.value)}`;
    case "present":
      return "[^/]+";
  }
}

function account(match: TextMatch): string {
  if (match.kind !== "exact") return "ns/[^/]+/sa/[^/]+";
  const [namespace = "", name = ""] = match.value.split("/");
  return `ns/${quote(namespace)}/sa/${quote(name)}`;
}

export function textMatcher(match: TextMatch): StringMatcherInit {
  return match.kind === "present" ? regex(".+") : { matchPattern: { case: match.kind, value: match.value } };
}

/** Names do not differ by case, by a dot at their end, or by a port that the rule does not name. */
function hostMatcher(match: TextMatch): StringMatcherInit {
  if (match.kind === "present") return regex(".+");
  const name = quote(match.value);
  const end = match.value.includes(":") ? "" : "\\.?(?::[0-9]+)?";
  return regex(`(?i)${match.kind === "suffix" ? ".*" : ""}${name}${match.kind === "prefix" ? ".*" : end}`);
}

function regex(text: string): StringMatcherInit {
  return { matchPattern: { case: "safeRegex", value: { regex: text } } };
}

function header(name: string, stringMatch: StringMatcherInit): PermissionInit {
  return {
    rule: {
      case: "header",
      value: { name, headerMatchSpecifier: { case: "stringMatch", value: stringMatch } },
    },
  };
}

function cidr({ address, bits }: AddressBlock) {
  return { addressPrefix: address, prefixLen: bits };
}
