import { expect, it } from "vitest";
import { mkService, mkWorkload, settings } from "../../../test/builders.js";
import type { MeshObject } from "../model/mesh-object.js";
import type { Pod } from "../model/pod.js";
import { createStore, type StoreChange } from "./store.js";

const apply = (object: MeshObject): StoreChange => ({ kind: "apply", object });
const gone = (kind: string, name: string, namespace = "default"): StoreChange => ({
  kind: "delete",
  ref: { kind, namespace, name },
});
const pod = (name: string, over: Partial<Pod> = {}): StoreChange => {
  const workload = mkWorkload(name, { interception: "redirect", ports: {}, pod: { ports: {}, node: "n1" } });
  return apply({ kind: "Pod", value: { namespace: "default", name, node: "n1", workload, ...over } });
};
const node = (name: string, locality?: string): StoreChange =>
  apply({ kind: "Node", value: { namespace: "", name, ...(locality === undefined ? {} : { locality }) } });
const slice = (name: string, host: string, address: string): StoreChange =>
  apply({
    kind: "EndpointSlice",
    value: { namespace: "default", name, host, family: "IPv4", ports: {}, endpoints: [{ address, isLeaving: false }] },
  });

it("pods are where their nodes are, before and after it is known", () => {
  const store = createStore(settings, "");
  const at = (name: string) => store.current.snapshot.workloads.get(`default/${name}`)?.locality;
  store.apply([pod("a"), pod("b", { node: "n2" })]);
  expect(at("a")).toBeUndefined();
  const b = store.current.snapshot.workloads.get("default/b");
  store.apply([node("n1", "eu/eu-1")]);
  expect(at("a")).toBe("eu/eu-1");
  expect(store.current.snapshot.workloads.get("default/b")).toBe(b);
  store.apply([node("n1", "eu/eu-2")]);
  expect(at("a")).toBe("eu/eu-2");
  store.apply([gone("Node", "n1", "")]);
  expect(at("a")).toBeUndefined();
});

it("a pod that has ended, or is gone, is no workload", () => {
  const store = createStore(settings, "");
  store.apply([pod("a"), pod("b")]);
  store.apply([apply({ kind: "Pod", value: { namespace: "default", name: "a", node: "n1" } }), gone("Pod", "b")]);
  expect(store.current.snapshot.workloads.size).toBe(0);
});

it("a pod goes before a WorkloadEntry of its name, and gives way to it again", () => {
  const store = createStore(settings, "");
  const entry = mkWorkload("a");
  store.apply([apply({ kind: "WorkloadEntry", value: entry }), pod("a")]);
  expect(store.current.snapshot.workloads.get("default/a")?.pod).toBeDefined();
  expect(store.current.diagnostics).toMatchObject([{ reason: "NameTaken", object: { kind: "WorkloadEntry" } }]);
  store.apply([gone("Pod", "a")]);
  expect(store.current.snapshot.workloads.get("default/a")).toBe(entry);
  expect(store.current.diagnostics).toEqual([]);
});

it("slices are with their Service, and a change of one leaves the others as they are", () => {
  const store = createStore(settings, "");
  const [web, api] = ["web", "api"].map((name) => mkService(name).host) as [string, string];
  const slices = () => store.current.snapshot.endpointSlices;
  store.apply([slice("w2", web, "10.0.0.2"), slice("w1", web, "10.0.0.1"), slice("a1", api, "10.0.0.3")]);
  expect(
    slices()
      .get(web)
      ?.map(({ name }) => name),
  ).toEqual(["w1", "w2"]);
  const untouched = slices().get(api);
  store.apply([slice("w1", api, "10.0.0.1"), gone("EndpointSlice", "w2")]);
  expect([...slices().keys()]).toEqual([api]);
  expect(
    slices()
      .get(api)
      ?.map(({ name }) => name),
  ).toEqual(["a1", "w1"]);
  store.apply([gone("EndpointSlice", "w1")]);
  expect(slices().get(api)).toEqual(untouched);
});
