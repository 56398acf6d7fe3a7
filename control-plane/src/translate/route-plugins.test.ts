import { expect, it } from "vitest";
import { mkGatewayRoute, mkPlugin, mkService, mkWorkload, ready, settings } from "../../../test/builders.js";
import { emptySnapshot, type Snapshot } from "../model/snapshot.js";
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
