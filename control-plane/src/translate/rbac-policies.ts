import type { MessageInitShape } from "@bufbuild/protobuf";
import { type PolicySchema, RBAC_Action, type RBACSchema } from "../envoy-api/gen/envoy/config/rbac/v3/rbac_pb.js";
import {
  type AuthorizationAction,
  type AuthorizationPolicy,
  type AuthorizationRule,
  type Condition,
  conditionsOf,
  isOfHttp,
} from "../model/authorization-policy.js";
import {
  ANY_PERMISSION,
  ANY_PRINCIPAL,
  allPermissions,
  allPrincipals,
  type PermissionInit,
  type PrincipalInit,
  type RbacSite,
  rbacCondition,
} from "./rbac-conditions.js";

export type RbacInit = MessageInitShape<typeof RBACSchema>;
type PolicyInit = MessageInitShape<typeof PolicySchema>;

/** Where policies are looked at. */
export interface RuleSite {
  readonly protocol: "http" | "tcp";
  readonly trustDomain: string;
  readonly appPort?: number;
}

const ACTIONS: Readonly<Record<AuthorizationAction, RBAC_Action>> = {
  ALLOW: RBAC_Action.ALLOW,
  DENY: RBAC_Action.DENY,
  AUDIT: RBAC_Action.LOG,
};

/** All policies of one action as Envoy's rules. Without policies: undefined, for which Envoy lets everything pass. */
export function rbacRules(
  policies: readonly AuthorizationPolicy[],
  action: AuthorizationAction,
  site: RuleSite,
): RbacInit | undefined {
  const ofAction = policies.filter((policy) => policy.action === action);
  if (ofAction.length === 0) return undefined;
  const rules = ofAction.flatMap((policy) =>
    policy.rules.flatMap((rule, index) => {
      const translated = rbacPolicy(rule, action, site);
      return translated === undefined ? [] : [[ruleName(policy, index), translated] as const];
    }),
  );
  return { action: ACTIONS[action], policies: Object.fromEntries(rules) };
}

/** As Istio names it. Envoy's response code details have the name of the rule that decided. */
function ruleName({ namespace, name }: AuthorizationPolicy, index: number): string {
  return `ns[${namespace}]-policy[${name}]-rule[${index}]`;
}

/**
 * One rule. Without HTTP, what a rule asks of a request cannot be answered: then it admits nothing, and refuses as though
 * the answer were yes.
 */
function rbacPolicy(rule: AuthorizationRule, action: AuthorizationAction, site: RuleSite): PolicyInit | undefined {
  const isBlind = site.protocol === "tcp" && conditionsOf(rule).some(isOfHttp);
  if (isBlind && action !== "DENY") return undefined;
  const conditionSite: RbacSite = { ...site, refuses: action === "DENY" };
  const translate = (conditions: readonly Condition[]) =>
    conditions
      .filter((condition) => site.protocol === "http" || !isOfHttp(condition))
      .map((condition) => rbacCondition(condition, conditionSite));
  const ofKind = (all: readonly (readonly Condition[])[]) => {
    // A list without members asks for nothing.
    const options = (all.length === 0 ? [[]] : all).map(translate);
    return {
      permissions: options.map((parts) => parts.flatMap((p) => (p.kind === "permission" ? p.value : []))),
      principals: options.map((parts) => parts.flatMap((p) => (p.kind === "principal" ? p.value : []))),
    };
  };
  const when = ofKind([rule.when]);
  const [whenPermissions = []] = when.permissions;
  const [whenPrincipals = []] = when.principals;
  return {
    permissions: anyOf(ofKind(rule.to).permissions, whenPermissions, ANY_PERMISSION, allPermissions),
    principals: anyOf(ofKind(rule.from).principals, whenPrincipals, ANY_PRINCIPAL, allPrincipals),
  };
}

/** Each option with what is asked for besides; one option that asks for nothing makes the others idle. */
function anyOf<T extends PermissionInit | PrincipalInit>(
  options: readonly (readonly T[])[],
  besides: readonly T[],
  any: T,
  all: (parts: readonly T[]) => T,
): T[] {
  if (options.some((parts) => parts.length === 0)) return [besides.length === 0 ? any : all(besides)];
  return options.map((parts) => all([...parts, ...besides]));
}
