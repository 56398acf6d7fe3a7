import { expect, test } from "vitest";
import { includesService, type Sidecar, sidecarFor } from "./sidecar.js";

const sidecar = (name: string, namespace: string, selector?: Record<string, string>): Sidecar => ({
  namespace,
  name,
  ...(selector && { selector }),
});
const ROOT = sidecar("default", "root");
const OWN = sidecar("default", "shop");
const SELECTED = sidecar("z", "shop", { app: "a" });

test.each<[string, readonly Sidecar[], string | undefined]>([
  ["none", [], undefined],
  ["that of the root namespace", [ROOT], "root/default"],
  ["that of the namespace before that of the root namespace", [ROOT, OWN], "shop/default"],
  ["the one that selects the workload before all", [ROOT, OWN, SELECTED], "shop/z"],
  ["the first by name of several that select it", [SELECTED, sidecar("b", "shop", { app: "a" })], "shop/b"],
  ["none that selects others", [sidecar("b", "shop", { app: "b" })], undefined],
  ["none of another namespace", [sidecar("default", "other")], undefined],
  ["none that selects in the root namespace", [sidecar("b", "root", { app: "a" })], undefined],
])("a workload has %s", (_what, sidecars, expected) => {
  const found = sidecarFor({ namespace: "shop", labels: { app: "a" } }, sidecars, "root");
  expect(found && `${found.namespace}/${found.name}`).toBe(expected);
});

const A = { namespace: "shop", host: "a.shop.svc.cluster.local" };

test.each([
  [{ host: { kind: "any" } }, true],
  [{ namespace: "shop", host: { kind: "any" } }, true],
  [{ namespace: "other", host: { kind: "any" } }, false],
  [{ host: { kind: "exact", value: "a.shop.svc.cluster.local" } }, true],
  [{ host: { kind: "exact", value: "b.shop.svc.cluster.local" } }, false],
  [{ host: { kind: "suffix", value: ".shop.svc.cluster.local" } }, true],
  [{ host: { kind: "suffix", value: ".hop.svc.cluster.local" } }, false],
  [{ namespace: "other", host: { kind: "suffix", value: ".local" } }, false],
] as const)("%j names a service or not", (entry, expected) => {
  expect(includesService(entry, A)).toBe(expected);
});
