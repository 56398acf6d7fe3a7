import { describe, expect, it } from "vitest";
import { mkGatewayRoute, mkPlugin } from "../../../test/builders.js";
import { compareRoutes } from "./gateway-route.js";
import { ROUTE_SLOTS, routeId, routeSlots } from "./route-slots.js";

const NOBODY = new Map();
const routes = (...names: string[]) =>
  new Map(names.map((name) => [`default/${name}`, mkGatewayRoute(name, "shop", { shop: 1 })]));
/** Plugins by name, with the names of their routes. */
const plugins = (all: Record<string, readonly string[]>) =>
  new Map(
    Object.entries(all).map(([name, targets]) => [
      `default/${name}`,
      mkPlugin(name, { targetRoutes: targets.map((target) => ({ kind: "HTTPRoute", name: target })) }),
    ]),
  );
const slotsOf = (all: Record<string, readonly string[]>, ...names: string[]) =>
  routeSlots({ plugins: plugins(all), httpRoutes: routes(...names), grpcRoutes: NOBODY });
const slotOf = (found: ReturnType<typeof routeSlots>, name: string) =>
  found.slots.get(`HTTPRoute default/${name}`)?.slot;

describe("slots of routes", () => {
  it("are shared by routes with the same plugins, and by no others", () => {
    const found = slotsOf({ a: ["r", "s", "t"], b: ["t"] }, "r", "s", "t");
    expect(slotOf(found, "r")).toBe(slotOf(found, "s"));
    expect(slotOf(found, "t")).not.toBe(slotOf(found, "s"));
    expect(found.plugins[slotOf(found, "r") ?? -1]).toEqual(["default/a"]);
    expect(found.plugins[slotOf(found, "t") ?? -1]).toEqual(["default/a", "default/b"]);
    expect(found.plugins.filter((keys) => keys.length > 0)).toHaveLength(2);
  });

  it("are for routes of the plugin's namespace and kind that are there", () => {
    const far = new Map([["far/r", mkGatewayRoute("r", "shop", { shop: 1 }, { namespace: "far" })]]);
    const grpc = new Map([["default/r", mkGatewayRoute("r", "shop", { shop: 1 }, { kind: "GRPCRoute" })]]);
    for (const httpRoutes of [NOBODY, far])
      expect(routeSlots({ plugins: plugins({ a: ["r"] }), httpRoutes, grpcRoutes: grpc }).slots.size).toBe(0);
  });

  it("stay where they are when the routes get another plugin, or other routes come and go", () => {
    for (const name of ["r", "s", "t", "u", "v"]) {
      const alone = slotOf(slotsOf({ a: [name] }, name), name);
      expect(slotOf(slotsOf({ a: [name], b: [name] }, name), name)).toBe(alone);
      expect(slotOf(slotsOf({ a: [name], b: ["z"] }, name, "z"), name)).toBe(alone);
      expect(slotOf(slotsOf({ a: [name, "z"] }, name, "z"), name)).toBe(alone);
    }
  });

  it("go to the older routes first, and the rest is told of each plugin", () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const all = Object.fromEntries(names.map((name) => [name, [name]]));
    const created = (name: string) => `2026-01-0${9 - names.indexOf(name)}T00:00:00Z`;
    const httpRoutes = new Map(
      names.map((name) => [`default/${name}`, mkGatewayRoute(name, "shop", {}, { created: created(name) })]),
    );
    const found = routeSlots({ plugins: plugins(all), httpRoutes, grpcRoutes: NOBODY });
    const oldest = [...httpRoutes.values()].sort(compareRoutes).slice(0, ROUTE_SLOTS);
    expect([...found.slots.keys()]).toEqual(oldest.map(routeId));
    expect(new Set([...found.slots.values()].map(({ slot }) => slot)).size).toBe(ROUTE_SLOTS);
    expect([...found.surplus.keys()].sort()).toEqual(["default/a", "default/b"]);
    expect(found.surplus.get("default/a")?.map(routeId)).toEqual(["HTTPRoute default/a"]);
  });

  it("do not depend on the order of the objects", () => {
    const all = { a: ["r", "s"], b: ["t"], c: ["s"], d: ["u"], e: ["v"] };
    const turned = Object.fromEntries(Object.entries(all).reverse());
    expect(slotsOf(turned, "v", "u", "t", "s", "r")).toEqual(slotsOf(all, "r", "s", "t", "u", "v"));
  });
});
