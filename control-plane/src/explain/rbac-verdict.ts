import { BlockList, isIP } from "node:net";
import type { CidrRange } from "../envoy-api/gen/envoy/config/core/v3/address_pb.js";
import {
  type Permission,
  type Principal,
  type RBAC,
  RBAC_Action,
} from "../envoy-api/gen/envoy/config/rbac/v3/rbac_pb.js";
import { pathOnly, type Request } from "./request.js";
import { matchesHeader } from "./route-choice.js";
import { matchesString } from "./string-matcher.js";
import { all, any, not, type Told } from "./told.js";

/** A request as it arrives at the workload that is called. */
export interface Call {
  readonly request: Request;
  /** The URIs in the caller's certificate; empty: it shows none. */
  readonly callerUris: readonly string[];
  /** Absent: not known. */
  readonly callerAddress?: string;
  readonly address: string;
  /** Where the sidecar takes it. */
  readonly port: number;
  readonly serverName: string;
  /** Whether what a token says may count. */
  readonly hasToken: boolean;
}

export interface RbacVerdict {
  /** Undefined: it cannot be told. */
  readonly passes: Told;
  /** The rule that decides; absent: that none matches decides. */
  readonly rule?: string;
  /** Rules of which it cannot be told whether they match. */
  readonly doubtful: readonly string[];
}

/** https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3/config/rbac/v3/rbac.proto#config-rbac-v3-rbac */
export function rbacVerdict({ action, policies }: RBAC, call: Call): RbacVerdict {
  const doubtful: string[] = [];
  if (action === RBAC_Action.LOG) return { passes: true, doubtful };
  const isAllow = action === RBAC_Action.ALLOW;
  // Envoy looks at them in the order of their names.
  for (const [rule, { permissions, principals }] of Object.entries(policies).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const told = all([
      any(permissions.map((permission) => isPermitted(permission, call))),
      any(principals.map((principal) => isPrincipal(principal, call))),
    ]);
    if (told === true) return { passes: isAllow, rule, doubtful };
    if (told === undefined) doubtful.push(rule);
  }
  return { passes: doubtful.length > 0 ? undefined : !isAllow, doubtful };
}

function isPermitted({ rule }: Permission, call: Call): Told {
  switch (rule.case) {
    case "any":
      return rule.value;
    case "andRules":
      return all(rule.value.rules.map((each) => isPermitted(each, call)));
    case "orRules":
      return any(rule.value.rules.map((each) => isPermitted(each, call)));
    case "notRule":
      return not(isPermitted(rule.value, call));
    case "header":
      return matchesHeader(rule.value, call.request);
    case "urlPath":
      return rule.value.rule.case === "path" ? matchesString(rule.value.rule.value, pathOnly(call.request)) : undefined;
    case "destinationIp":
      return isWithin(rule.value, call.address);
    case "destinationPort":
      return call.port === rule.value;
    case "requestedServerName":
      return matchesString(rule.value, call.serverName);
    default:
      return undefined;
  }
}

function isPrincipal({ identifier }: Principal, call: Call): Told {
  switch (identifier.case) {
    case "any":
      return identifier.value;
    case "andIds":
      return all(identifier.value.ids.map((each) => isPrincipal(each, call)));
    case "orIds":
      return any(identifier.value.ids.map((each) => isPrincipal(each, call)));
    case "notId":
      return not(isPrincipal(identifier.value, call));
    case "authenticated": {
      const { principalName } = identifier.value;
      if (principalName === undefined) return call.callerUris.length > 0;
      return any(call.callerUris.map((uri) => matchesString(principalName, uri)));
    }
    case "directRemoteIp":
      return call.callerAddress === undefined ? undefined : isWithin(identifier.value, call.callerAddress);
    case "remoteIp":
      // Others stand between where a header says so.
      return call.callerAddress === undefined || call.request.headers["x-forwarded-for"] !== undefined
        ? undefined
        : isWithin(identifier.value, call.callerAddress);
    case "header":
      return matchesHeader(identifier.value, call.request);
    case "metadata":
      // What a token says; Envoy knows nothing of one that is not there.
      return call.hasToken ? undefined : identifier.value.invert;
    default:
      return undefined;
  }
}

function isWithin({ addressPrefix, prefixLen }: CidrRange, address: string): Told {
  const family = isIP(addressPrefix);
  if (family === 0) return undefined;
  if (isIP(address) !== family) return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  const block = new BlockList();
  block.addSubnet(addressPrefix, prefixLen ?? 0, type);
  return block.check(address, type);
}
