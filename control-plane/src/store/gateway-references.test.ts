import { expect, test } from "vitest";
import { mkGatewayRoute, mkService, mkVirtualService, settings } from "../../../test/builders.js";
import type { GatewayRoute, ReferenceGrant } from "../model/gateway-route.js";
import type { MeshObject } from "../model/mesh-object.js";
import { createStore } from "./store.js";

const grant: ReferenceGrant = {
  namespace: "default",
  name: "g",
  from: [{ kind: "HTTPRoute", namespace: "other" }],
  to: [{ kind: "Service" }],
};
const abroad = { namespace: "other", parents: [{ namespace: "default", name: "web" }] };

function problems(route: GatewayRoute, ...more: readonly MeshObject[]): string[] {
  const store = createStore(settings, "");
  const services = ["web", "web-v2"].map((name): MeshObject => ({ kind: "Service", value: mkService(name) }));
  const objects = [...services, { kind: route.kind, value: route } as MeshObject, ...more];
  store.apply(objects.map((object) => ({ kind: "apply", object })));
  return store.current.diagnostics.map(({ severity, reason, field = "" }) => `${severity} ${reason} ${field}`);
}

test.each<[string, GatewayRoute, readonly MeshObject[], string[]]>([
  ["all is there", mkGatewayRoute("r", "web", { "web-v2": 1 }), [], []],
  ["no such parent", mkGatewayRoute("r", "nobody", {}), [], ["error NoMatchingParent spec.parentRefs[0]"]],
  [
    "no such port of the parent",
    mkGatewayRoute("r", "web", {}, { parents: [{ namespace: "default", name: "web", port: 81 }] }),
    [],
    ["error NoMatchingParent spec.parentRefs[0]"],
  ],
  [
    "no such backend",
    mkGatewayRoute("r", "web", { nobody: 1 }),
    [],
    ["error BackendNotFound spec.rules[0].backendRefs[0]"],
  ],
  [
    "a backend of another namespace",
    mkGatewayRoute("r", "web", { "web-v2": 1 }, abroad),
    [],
    ["error RefNotPermitted spec.rules[0].backendRefs[0]"],
  ],
  [
    "the same with a grant",
    mkGatewayRoute("r", "web", { "web-v2": 1 }, abroad),
    [{ kind: "ReferenceGrant", value: grant }],
    [],
  ],
  [
    "a grant for another kind",
    mkGatewayRoute("r", "web", { "web-v2": 1 }, { ...abroad, kind: "GRPCRoute" }),
    [{ kind: "ReferenceGrant", value: grant }],
    ["error RefNotPermitted spec.rules[0].backendRefs[0]"],
  ],
  [
    "a VirtualService for the same host",
    mkGatewayRoute("r", "web", { "web-v2": 1 }),
    [{ kind: "VirtualService", value: { ...mkVirtualService("web", {}), http: [] } }],
    ["warning HostRouted spec.hosts[0]"],
  ],
])("%s", (_, route, more, expected) => expect(problems(route, ...more)).toEqual(expected));
