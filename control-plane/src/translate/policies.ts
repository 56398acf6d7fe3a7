import type { AuthorizationPolicy } from "../model/authorization-policy.js";
import { compareStrings } from "../model/compare.js";
import { objectKey } from "../model/object-ref.js";
import { type Attachment, attachesTo, targetsAny } from "../model/plugin.js";
import type { RequestAuthentication } from "../model/request-authentication.js";
import type { Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { servicesAt } from "./inbound-sites.js";
import { policiesByNamespace } from "./mesh-index.js";
import type { SlotPolicies } from "./ref.js";

/** Where a workload is called. */
export interface PolicySite {
  readonly workload: Workload;
  /** Where the port is one that the workload has left, the workload as it is now: what is for either is in force. */
  readonly now?: Workload | undefined;
  /** As plugins' slots have it. */
  readonly port: number;
  /** As the workload has it: policies name this one. Absent: it may be any. */
  readonly appPort?: number;
}

/** The AuthorizationPolicies of a place, for the variant of its slots. */
export function authorizationPoliciesAt(snapshot: Snapshot, site: PolicySite): SlotPolicies {
  const policies = policiesAt(snapshot, snapshot.authorizationPolicies, site);
  const { appPort } = site;
  const asksForPort = appPort !== undefined && policies.some(looksAtPort);
  return { keys: policies.map(objectKey), ...(asksForPort ? { appPort } : {}) };
}

function looksAtPort({ rules }: AuthorizationPolicy): boolean {
  return rules.some(({ from, to, when }) =>
    [...from, ...to, when].some((all) => all.some(({ attribute }) => attribute === "destination.port")),
  );
}

/** The RequestAuthentications of a place. */
export function requestAuthenticationsAt(snapshot: Snapshot, site: PolicySite): readonly RequestAuthentication[] {
  return policiesAt(snapshot, snapshot.requestAuthentications, site);
}

/** Those for the place, in the order of namespaces and names. */
function policiesAt<T extends Attachment & { readonly name: string }>(
  snapshot: Snapshot,
  all: ReadonlyMap<string, T>,
  { workload, now = workload, port }: PolicySite,
): readonly T[] {
  if (all.size === 0) return [];
  const { rootNamespace } = snapshot.settings;
  const inNamespace = policiesByNamespace(all);
  return [...new Set([workload.namespace, rootNamespace])]
    .sort(compareStrings)
    .flatMap((namespace) =>
      (inNamespace.get(namespace) ?? []).filter(
        (policy) =>
          [workload, now].some((either) => attachesTo(policy, either, rootNamespace)) &&
          (policy.targetServices === undefined || targetsAny(policy, servicesAt(snapshot, workload, port), "server")),
      ),
    );
}
