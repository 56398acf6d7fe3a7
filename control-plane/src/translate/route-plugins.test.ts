import { expect, it } from "vitest";
import { mkGatewayRoute, mkPlugin, mkService, mkWorkload, ready, settings } from "../../../test/builders.js";
import { emptySnapshot, type Snapshot } from "../model/snapshot.js";
import { attachedRules } from "./gateway-routes.js";
import { createIncrementalTranslation } from "./incremental.js";

const HOST = "backend.default.svc.cluster.local";
const ROUTE = mkGatewayRoute("r", "backend", { backend: 1 });
const BASE: Snapshot = {
  ...emptySnapshot(settings),
  services: new Map([[HOST, mkService("backend")]]),
  workloads: new Map([
    ["default/caller", mkWorkload("caller")],
    ["far/caller", mkWorkload("caller", { namespace: "far" })],
  ]),
  plugins: new Map([["default/p", mkPlugin("p", { targetRoutes: [{ kind: "HTTPRoute", name: "r" }] })]]),
  modules: new Map([["default/p", ready("p")]]),
};

it("a route that comes brings its plugins to those who follow it, and takes them along", () => {
  const translation = createIncrementalTranslation(BASE);
  const callers = ["default/caller", "far/caller"];
  for (const caller of callers) translation.attach(caller);
  const running = () =>
    callers.filter((caller) => translation.slots(caller).some(({ plugins }) => plugins.includes("default/p")));
  const httpRoutes = new Map([["default/r", ROUTE]]);
  /** Callers of its namespace follow it, and not the one of the Service's. */
  const consumers = { ...ROUTE, namespace: "far", name: "own" };

  expect(running()).toEqual([]);
  const come = translation.apply({ ...BASE, httpRoutes });
  expect(running()).toEqual(callers);
  for (const caller of callers) expect(come.get(caller)?.get("extension")?.size).toBe(1);
  translation.apply({ ...BASE, httpRoutes: new Map([...httpRoutes, ["far/own", consumers]]) });
  expect(running()).toEqual(["default/caller"]);
  translation.apply(BASE);
  expect(running()).toEqual([]);
});

it("a route whose guard finds no slot is closed, and open again once there is one", () => {
  const names = ["a", "b", "c", "d", "e"];
  const own = (name: string, phase?: "authz") =>
    mkPlugin(name, { targetRoutes: [{ kind: "HTTPRoute", name }], ...(phase && { phase }) });
  const httpRoutes = new Map(
    names.map((name, i) => [
      `default/${name}`,
      mkGatewayRoute(name, "backend", { backend: 1 }, { created: `2026-01-0${i + 1}` }),
    ]),
  );
  const plugins = new Map(names.map((name) => [`default/${name}`, own(name)]));
  const actions = (snapshot: Snapshot) =>
    (attachedRules(snapshot, mkService("backend"), { port: 8080 }, "default") ?? []).map(({ action }) => action.kind);
  const forwards = names.map(() => "forward");
  expect(actions({ ...BASE, httpRoutes, plugins })).toEqual(forwards);
  const guarded: Snapshot = { ...BASE, httpRoutes, plugins: new Map(plugins).set("default/e", own("e", "authz")) };
  expect(actions(guarded)).toEqual([...forwards.slice(0, 4), "respond"]);
  const translation = createIncrementalTranslation({ ...BASE, httpRoutes, plugins });
  translation.attach("default/caller")?.get("routes", "outbound|15001");
  const changed = translation.apply(guarded);
  expect([...(changed.get("default/caller")?.get("routes") ?? [])]).toEqual(["outbound|15001"]);
  const { "default/a": _, ...rest } = Object.fromEntries(guarded.plugins);
  expect(actions({ ...guarded, plugins: new Map(Object.entries(rest)) })).toEqual(forwards);
});
