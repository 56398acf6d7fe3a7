import { expect, test } from "vitest";
import { mkGatewayRoute } from "../../../test/builders.js";
import type { Diagnostic } from "../model/diagnostic.js";
import { gatewayRouteStatus } from "./gateway-route-status.js";

const problem = (reason: string, field: string): Diagnostic => ({
  severity: "error",
  reason,
  field,
  message: `${reason} there`,
  hint: "mend it",
});

const brief = (problems: readonly Diagnostic[]) => {
  const route = mkGatewayRoute(
    "r",
    "web",
    {},
    {
      generation: 4,
      parents: [
        { namespace: "default", name: "web" },
        { namespace: "default", name: "other", port: 1 },
      ],
    },
  );
  const { conditions, parents } = gatewayRouteStatus(route, problems, [], "2026-01-01T00:00:00Z");
  const text = (list: typeof conditions) => list.map(({ type, status, reason }) => `${type}=${status} ${reason}`);
  return [text(conditions), ...parents.map((parent) => text(parent.conditions))];
};

const ACCEPTED = "Accepted=True Accepted";
const RESOLVED = "ResolvedRefs=True ResolvedRefs";

test.each<[string, readonly Diagnostic[], string[][]]>([
  [
    "all is well",
    [],
    [
      [ACCEPTED, RESOLVED],
      [ACCEPTED, RESOLVED],
      [ACCEPTED, RESOLVED],
    ],
  ],
  [
    "a parent is missing",
    [problem("NoMatchingParent", "spec.parentRefs[1]")],
    [
      ["Accepted=False NoMatchingParent", RESOLVED],
      [ACCEPTED, RESOLVED],
      ["Accepted=False NoMatchingParent", RESOLVED],
    ],
  ],
  [
    "a backend may not be named",
    [problem("RefNotPermitted", "spec.rules[0].backendRefs[0]")],
    [
      [ACCEPTED, "ResolvedRefs=False RefNotPermitted"],
      [ACCEPTED, "ResolvedRefs=False RefNotPermitted"],
      [ACCEPTED, "ResolvedRefs=False RefNotPermitted"],
    ],
  ],
])("%s", (_, problems, expected) => expect(brief(problems)).toEqual(expected));

test("conditions carry the generation, and keep their time while they do not change", () => {
  const route = mkGatewayRoute("r", "web", {}, { generation: 4 });
  const before = gatewayRouteStatus(route, [], [], "2026-01-01T00:00:00Z");
  const after = gatewayRouteStatus(
    route,
    [problem("InvalidKind", "spec.rules[0]")],
    before.conditions,
    "2026-02-01T00:00:00Z",
  );
  expect(after.parents[0]?.conditions).toMatchObject([
    { type: "Accepted", observedGeneration: "4", lastTransitionTime: "2026-01-01T00:00:00Z" },
    { type: "ResolvedRefs", observedGeneration: "4", lastTransitionTime: "2026-02-01T00:00:00Z" },
  ]);
});
