import { expect, test } from "vitest";
import { mkWorkload, settings } from "../../../test/builders.js";
import { identityText } from "./workload-identity.js";

test.each<[labels: Record<string, string>, identity: string]>([
  [{}, "unknown;unknown;backend-1;latest"],
  [{ app: "backend", version: "v2" }, "backend;v2;backend;v2"],
  [
    { app: "backend", version: "v2", "app.kubernetes.io/name": "stock", "app.kubernetes.io/version": "2.1" },
    "backend;v2;stock;2.1",
  ],
  [
    {
      "app.kubernetes.io/name": "stock",
      "service.istio.io/canonical-name": "store",
      "service.istio.io/canonical-revision": "r7",
    },
    "unknown;unknown;store;r7",
  ],
  [{ app: "a;b" }, "a_b;unknown;a_b;latest"],
])("a workload with labels %j is %s", (labels, identity) => {
  const workload = mkWorkload("backend-1", { namespace: "shop", labels });
  expect(identityText(settings, { kind: "own", workload, certified: false })).toBe(`own;backend-1;shop;${identity};;;`);
});

test("an endpoint has its principal, its service and its subset", () => {
  const workload = mkWorkload("backend-1", { namespace: "shop", serviceAccount: "stock" });
  const site = {
    kind: "out",
    workload,
    certified: true,
    host: "backend.shop.svc.cluster.local",
    subset: "v1",
  } as const;
  expect(identityText(settings, site).split(";").slice(7)).toEqual([
    "spiffe://cluster.local/ns/shop/sa/stock",
    "backend.shop.svc.cluster.local",
    "v1",
  ]);
});
