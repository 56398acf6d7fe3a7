import type { Condition } from "../status/condition.js";
import { isRecord, type StatusDocument } from "../status/document.js";
import { CONTROLLER_NAME } from "../status/gateway-route-status.js";
import { mergePatch } from "./merge-patch.js";

type Status = Readonly<Record<string, unknown>>;

/** What of a status is the control plane's own; all else is left to whoever writes it. */
const OWN_FIELDS: readonly string[] = [
  ...["diagnostics", "digest", "wasmSha256", "servedSha256", "proxies", "lastGood", "rollout", "rejected"],
];

/** https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.37/#condition-v1-meta */
const MAX_MESSAGE_LENGTH = 32_768;
const MAX_DIAGNOSTICS = 100;
const MAX_DIAGNOSTIC_LENGTH = 2048;
/** Of a route: https://gateway-api.sigs.k8s.io/reference/spec/#routestatus */
const MAX_PARENTS = 32;

/**
 * What must be patched of an object's status in the cluster so that it says what a document says. Undefined: nothing.
 * Conditions of others, and the parents of a route that belong to other controllers, stay as they are.
 */
export function statusPatch(
  { object, status }: Pick<StatusDocument, "object" | "status">,
  current: Status,
): Status | undefined {
  return object.kind === "HTTPRoute" || object.kind === "GRPCRoute"
    ? routePatch(status, current)
    : mergePatch(current, ownStatus(status, current));
}

function ownStatus(status: StatusDocument["status"], current: Status): Status {
  const { conditions, diagnostics, proxies, ...rest } = status as Status & StatusDocument["status"];
  const theirs = recordsOf(current.conditions).filter(({ type }) => !conditions.some((own) => own.type === type));
  const foreign = Object.entries(current).filter(([key]) => !OWN_FIELDS.includes(key));
  return {
    ...Object.fromEntries(foreign),
    ...jsonOf(rest),
    conditions: [...dated(conditions, recordsOf(current.conditions)), ...theirs],
    ...(Array.isArray(diagnostics)
      ? {
          diagnostics: diagnostics
            .slice(0, MAX_DIAGNOSTICS)
            .map((text) => String(text).slice(0, MAX_DIAGNOSTIC_LENGTH)),
        }
      : {}),
    ...(isRecord(proxies) ? { proxies: { ...jsonOf(proxies), summary: `${proxies.acked}/${proxies.matched}` } } : {}),
  };
}

/** A route that cannot be read says nothing of the Services that it is attached to; what was said stays. */
function routePatch(status: StatusDocument["status"], current: Status): Status | undefined {
  const { parents: wanted } = status as Status;
  if (!Array.isArray(wanted)) return undefined;
  const known = recordsOf(current.parents);
  const ours = known.filter(({ controllerName }) => controllerName === CONTROLLER_NAME);
  const own = recordsOf(wanted).map((parent) => {
    const before = ours.find(({ parentRef }) => JSON.stringify(parentRef) === JSON.stringify(parent.parentRef));
    return { ...parent, conditions: dated(parent.conditions as readonly Condition[], recordsOf(before?.conditions)) };
  });
  const parents = [...known.filter((parent) => !ours.includes(parent)), ...own].slice(0, MAX_PARENTS);
  return mergePatch({ parents: known }, { parents });
}

/** Conditions as Kubernetes has them. One that is what it was keeps its time: another replica may have written it. */
function dated(conditions: readonly Condition[], current: readonly Status[]): readonly Status[] {
  return conditions.map(({ type, status, reason, message, observedGeneration, lastTransitionTime }) => {
    const before = current.find((one) => one.type === type && one.status === status);
    const generation = /^\d{1,15}$/.test(observedGeneration) ? Number(observedGeneration) : undefined;
    return {
      type,
      status,
      reason,
      message: message.slice(0, MAX_MESSAGE_LENGTH),
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      lastTransitionTime:
        typeof before?.lastTransitionTime === "string"
          ? before.lastTransitionTime
          : lastTransitionTime.replace(/\.\d+Z$/, "Z"),
    };
  });
}

function recordsOf(value: unknown): readonly Status[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** Without what JSON does not have: a field that is undefined is none. */
function jsonOf(value: Status): Status {
  return JSON.parse(JSON.stringify(value)) as Status;
}
