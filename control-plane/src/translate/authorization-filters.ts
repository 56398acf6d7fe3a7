import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { TypedExtensionConfigSchema } from "../envoy-api/gen/envoy/config/core/v3/extension_pb.js";
import type { FilterSchema } from "../envoy-api/gen/envoy/config/listener/v3/listener_components_pb.js";
import { RBAC_Action } from "../envoy-api/gen/envoy/config/rbac/v3/rbac_pb.js";
import { RBACSchema as HttpRbacSchema } from "../envoy-api/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js";
import { RBACSchema as TcpRbacSchema } from "../envoy-api/gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.js";
import { type AuthorizationAction, type AuthorizationPolicy, conditionsOf } from "../model/authorization-policy.js";
import type { Resource } from "../model/resource.js";
import type { Snapshot } from "../model/snapshot.js";
import { ADS } from "./config-source.js";
import { contentHash, pack, typedExtension } from "./encode.js";
import { managerStatPrefix, type TcpPolicyAction, tcpPolicySlotName } from "./names.js";
import { AMBIGUOUS_PATH, regexMatcher } from "./path-matcher.js";
import { ANY_PRINCIPAL } from "./rbac-conditions.js";
import { type RuleSite, rbacRules } from "./rbac-policies.js";
import type { SlotPolicies } from "./ref.js";

type EnforcedAction = Exclude<AuthorizationAction, "AUDIT">;
type HttpFilterInit = MessageInitShape<typeof TypedExtensionConfigSchema>;

/** Prefixes of the counters of policies that are only counted. */
const DRY_RUN_PREFIX = { ALLOW: "weft_dry_run_allow", DENY: "weft_dry_run_deny" } as const;
const AUDIT_PREFIX = "weft_audit";

/**
 * The HTTP filters of AuthorizationPolicies, in the order in which they run: what is to be marked for access logs is, then
 * paths that cannot be judged are refused, then what a DENY matches, then what no ALLOW matches.
 */
export function authorizationFilters(snapshot: Snapshot, { keys, appPort }: SlotPolicies): readonly HttpFilterInit[] {
  const policies = policiesOf(snapshot, keys);
  const site = ruleSite(snapshot, "http", appPort);
  const enforced = policies.filter(({ dryRun }) => !dryRun);
  const judgesPaths = enforced.some((policy) => policy.action !== "AUDIT" && looksAtPath(policy));
  return [
    ...auditFilter(policies, site),
    ...(judgesPaths ? [AMBIGUOUS_PATHS] : []),
    ...httpRbac("DENY", policies, site),
    ...httpRbac("ALLOW", policies, site),
  ];
}

/** Marks what matches, for access logs; and counts it, which Envoy does for what would be denied only. */
function auditFilter(policies: readonly AuthorizationPolicy[], site: RuleSite): readonly HttpFilterInit[] {
  const all = rbacRules(policies, "AUDIT", site);
  if (all === undefined) return [];
  const rules = rbacRules(
    policies.filter(({ dryRun }) => !dryRun),
    "AUDIT",
    site,
  );
  return [
    typedExtension("weft.authorization.audit", HttpRbacSchema, {
      ...(rules === undefined ? {} : { rules, rulesStatPrefix: AUDIT_PREFIX }),
      shadowRules: { ...all, action: RBAC_Action.DENY },
      shadowRulesStatPrefix: AUDIT_PREFIX,
    }),
  ];
}

function httpRbac(
  action: EnforcedAction,
  policies: readonly AuthorizationPolicy[],
  site: RuleSite,
): readonly HttpFilterInit[] {
  const config = rulesAndShadow(action, policies, site);
  return config === undefined
    ? []
    : [typedExtension(`weft.authorization.${action.toLowerCase()}`, HttpRbacSchema, config)];
}

function rulesAndShadow(action: EnforcedAction, policies: readonly AuthorizationPolicy[], site: RuleSite) {
  const rules = rbacRules(
    policies.filter(({ dryRun }) => !dryRun),
    action,
    site,
  );
  const shadowRules = rbacRules(
    policies.filter(({ dryRun }) => dryRun),
    action,
    site,
  );
  if (rules === undefined && shadowRules === undefined) return undefined;
  return {
    ...(rules === undefined ? {} : { rules }),
    ...(shadowRules === undefined ? {} : { shadowRules, shadowRulesStatPrefix: DRY_RUN_PREFIX[action] }),
  };
}

/** What apps would understand in another way than the policies is refused where a policy looks at paths. */
const AMBIGUOUS_PATHS: HttpFilterInit = typedExtension("weft.authorization.paths", HttpRbacSchema, {
  rules: {
    action: RBAC_Action.DENY,
    policies: {
      "ambiguous-path": {
        permissions: [{ rule: { case: "urlPath", value: regexMatcher(AMBIGUOUS_PATH) } }],
        principals: [ANY_PRINCIPAL],
      },
    },
  },
});

function looksAtPath({ rules }: AuthorizationPolicy): boolean {
  return rules.some((rule) => conditionsOf(rule).some(({ attribute }) => attribute === "request.path"));
}

function policiesOf(snapshot: Snapshot, keys: readonly string[]): readonly AuthorizationPolicy[] {
  return keys.flatMap((key) => snapshot.authorizationPolicies.get(key) ?? []);
}

function ruleSite({ settings }: Snapshot, protocol: RuleSite["protocol"], appPort: number | undefined): RuleSite {
  return { protocol, trustDomain: settings.trustDomain, ...(appPort === undefined ? {} : { appPort }) };
}

/** The actions that connections without HTTP know, in the order in which they are looked at. */
export const TCP_POLICY_ACTIONS: readonly TcpPolicyAction[] = ["deny", "allow"];

const TCP_TYPE_URLS = [`type.googleapis.com/${TcpRbacSchema.typeName}`];

/**
 * The network filters of AuthorizationPolicies, before a TCP proxy. They are there from the first LDS on, so that policies
 * come and go without touching listeners; as long as Envoy has nothing for them, nothing passes.
 */
export function tcpPolicyFilters(port: number): MessageInitShape<typeof FilterSchema>[] {
  return TCP_POLICY_ACTIONS.map((action) => ({
    name: tcpPolicySlotName(port, action),
    configType: {
      case: "configDiscovery",
      value: {
        configSource: ADS,
        typeUrls: TCP_TYPE_URLS,
        defaultConfig: pack(TcpRbacSchema, {
          statPrefix: tcpStatPrefix(port, action),
          rules: { action: RBAC_Action.ALLOW, policies: {} },
        }),
      },
    },
  }));
}

/** What stands in such a place. New content is for new connections; open ones keep what they have. */
export function buildTcpPolicySlot(
  snapshot: Snapshot,
  { name, port, action }: { readonly name: string; readonly port: number; readonly action: TcpPolicyAction },
  { keys, appPort }: SlotPolicies,
): Resource {
  const site = ruleSite(snapshot, "tcp", appPort);
  const bytes = toBinary(
    TypedExtensionConfigSchema,
    create(
      TypedExtensionConfigSchema,
      typedExtension(name, TcpRbacSchema, {
        statPrefix: tcpStatPrefix(port, action),
        ...rulesAndShadow(action === "deny" ? "DENY" : "ALLOW", policiesOf(snapshot, keys), site),
      }),
    ),
  );
  return { type: "extension", name, version: contentHash(bytes), bytes };
}

/** Beside the counters of the port's TCP proxy. */
function tcpStatPrefix(port: number, action: TcpPolicyAction): string {
  return `tcp.${managerStatPrefix("server", port)}.${action}.`;
}
