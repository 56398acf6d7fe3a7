import { type Diagnostic, formatDiagnostic } from "../model/diagnostic.js";
import type { GatewayRoute, RouteParent } from "../model/gateway-route.js";
import { acceptedCondition, type Condition, type ConditionNow, dateConditions } from "./condition.js";
import type { ObjectStatus } from "./object-status.js";

/** The name under which the mesh writes into routes: https://gateway-api.sigs.k8s.io/reference/spec/#gatewaycontroller */
export const CONTROLLER_NAME = "weft.mesh/gateway-controller";

/** https://gateway-api.sigs.k8s.io/reference/spec/#routeparentstatus */
export interface RouteParentStatus {
  readonly parentRef: RouteParent & { readonly group: ""; readonly kind: "Service" };
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

export interface GatewayRouteStatus extends ObjectStatus {
  readonly parents: readonly RouteParentStatus[];
}

/** Reasons of problems that are about what a route names, and not about the route. */
const UNRESOLVED = ["BackendNotFound", "RefNotPermitted", "InvalidKind"];

/** Where a route stands: as a whole, and at each Service that it is attached to. */
export function gatewayRouteStatus(
  route: GatewayRoute,
  problems: readonly Diagnostic[],
  previous: readonly Condition[],
  now: string,
): GatewayRouteStatus {
  const generation = route.generation === undefined ? "" : String(route.generation);
  const unresolved = problems.filter(({ reason }) => UNRESOLVED.includes(reason));
  const others = problems.filter(({ reason }) => !UNRESOLVED.includes(reason));
  const resolved: ConditionNow = {
    ...acceptedCondition(unresolved, generation),
    type: "ResolvedRefs",
    ...(unresolved.length === 0 && { reason: "ResolvedRefs" }),
  };
  const conditionsFor = (own: readonly Diagnostic[]) =>
    dateConditions(previous, [acceptedCondition(own, generation), resolved], now);
  return {
    conditions: conditionsFor(others),
    parents: route.parents.map((parent, i) => ({
      parentRef: { group: "", kind: "Service", ...parent },
      controllerName: CONTROLLER_NAME,
      // A problem of another parent is none of this one's.
      conditions: conditionsFor(others.filter(({ field = "" }) => !isOfParent(field) || field === parentField(i))),
    })),
    ...(problems.length === 0 ? {} : { diagnostics: problems.map(formatDiagnostic) }),
  };
}

function parentField(index: number): string {
  return `spec.parentRefs[${index}]`;
}

function isOfParent(field: string): boolean {
  return /^spec\.parentRefs\[\d+\]$/.test(field);
}
