import { describe, expect, it } from "vitest";
import { mkService, mkWorkload, settings } from "../../../test/builders.js";
import type { MeshObject } from "../model/mesh-object.js";
import { objectKey } from "../model/object-ref.js";
import { createStore, type Store } from "./store.js";

/** `b` and others behind `s`, known to all when the test begins. */
function storeWith(objects: readonly MeshObject[], joining = true): Store {
  const store = createStore(settings, "");
  put(store, ...objects);
  store.beginHandovers({ joining });
  return store;
}
const put = (store: Store, ...objects: readonly MeshObject[]) =>
  store.apply(objects.map((object) => ({ kind: "apply", object })));
const remove = (store: Store, kind: MeshObject["kind"], name: string) =>
  store.apply([{ kind: "delete", ref: { kind, namespace: "default", name } }]);
const service = (name: string, over = {}): MeshObject => ({ kind: "Service", value: mkService(name, over) });
const workload = (name: string, app: string, over = {}): MeshObject => ({
  kind: "WorkloadEntry",
  value: mkWorkload(name, { labels: { app }, ...over }),
});

/** `w joins s:8080` and `w leaves s:8080 told`, in order. */
const handovers = (store: Store): string[] =>
  [...store.current.snapshot.handovers]
    .flatMap(([key, { joining, leaving }]) => [
      ...[...joining.values()].map(({ service: s, port }) => `${key.split("/")[1]} joins ${s.name}:${port.port}`),
      ...leaving.map((left) => `${key.split("/")[1]} leaves ${left.service.name}:${left.port.port} ${left.phase}`),
    ])
    .sort();
/** Its sidecar listens. */
const listens = (store: Store, name: string) => {
  const all = new Map(store.current.snapshot.handovers);
  const handover = all.get(`default/${name}`);
  if (handover !== undefined) all.set(`default/${name}`, { ...handover, joining: new Map() });
  store.setHandovers(all);
};
const TWO = [service("s"), workload("a", "s"), workload("b", "s")];

describe("what joins", () => {
  it("is announced at once when it was there before handovers began", () => {
    expect(handovers(storeWith(TWO))).toEqual([]);
  });
  it.each<[string, MeshObject[], string[]]>([
    ["a new workload", [workload("c", "s")], ["c joins s:8080"]],
    ["a workload that gets the labels", [workload("x", "s")], ["x joins s:8080"]],
    ["a workload without sidecar", [workload("c", "s", { hasSidecar: false })], []],
    ["a workload of no service", [workload("c", "nobody")], []],
    ["a new service", [service("t", { selector: { app: "s" } })], ["a joins t:8080", "b joins t:8080"]],
    [
      "a new port",
      [
        service("s", {
          ports: [8080, 9090].map((port) => ({ name: `p${port}`, port, targetPort: port, protocol: "http" })),
        }),
      ],
      ["a joins s:9090", "b joins s:9090"],
    ],
    ["another weight", [workload("a", "s", { weight: 5 })], []],
  ])("%s", (_what, objects, expected) => {
    const store = storeWith([...TWO, workload("x", "nobody")]);
    put(store, ...objects);
    expect(handovers(store)).toEqual(expected);
  });
  it("is announced at once where others say who is ready", () => {
    const store = storeWith(TWO, false);
    put(store, workload("c", "s"));
    expect(handovers(store)).toEqual([]);
  });
  it("is never announced when it leaves before its sidecar listens", () => {
    const store = storeWith([service("s"), workload("a", "s"), workload("c", "nobody")]);
    put(store, workload("c", "s"));
    put(store, workload("a", "nobody"), workload("c", "nobody"), workload("n", "s"));
    expect(handovers(store)).toEqual(["a leaves s:8080 announced", "c leaves s:8080 told", "n joins s:8080"]);
  });
  it("moves to another address as one that leaves and one that joins", () => {
    const store = storeWith(TWO);
    put(store, workload("a", "s", { address: "127.0.1.9" }));
    expect(handovers(store)).toEqual(["a joins s:8080", "a leaves s:8080 told"]);
  });
  it("is one that leaves and one that joins where interception makes it another port", () => {
    const of = (targetPort: number) =>
      service("s", { ports: [{ name: "web", port: 8080, targetPort, protocol: "http" }] });
    const captured = { interception: "redirect", ports: {} };
    const store = storeWith([of(80), workload("a", "s", captured)]);
    put(store, of(81));
    // Until it listens on the new one, callers have the old one.
    expect(handovers(store)).toEqual(["a joins s:8080", "a leaves s:8080 announced"]);
    listens(store, "a");
    expect(handovers(store)).toEqual(["a leaves s:8080 told"]);
  });
});

describe("what leaves", () => {
  it.each<[string, (store: Store) => void, string[]]>([
    ["by its labels", (store) => put(store, workload("a", "nobody")), ["a leaves s:8080 told"]],
    ["by its end", (store) => remove(store, "WorkloadEntry", "a"), ["a leaves s:8080 told"]],
    ["with its service", (store) => remove(store, "Service", "s"), ["a leaves s:8080 told", "b leaves s:8080 told"]],
    [
      "when the last one goes",
      (store) => put(store, workload("a", "nobody"), workload("b", "nobody")),
      ["a leaves s:8080 told", "b leaves s:8080 told"],
    ],
  ])("%s", (_what, change, expected) => {
    const store = storeWith(TWO);
    change(store);
    expect(handovers(store)).toEqual(expected);
  });
  it("stays announced until one of those that take its place listens", () => {
    const store = storeWith([...TWO, workload("n", "next"), workload("m", "next")]);
    put(store, service("s", { selector: { app: "next" } }));
    const waiting = ["a leaves s:8080 announced", "b leaves s:8080 announced", "m joins s:8080", "n joins s:8080"];
    expect(handovers(store)).toEqual(waiting);
    listens(store, "n");
    expect(handovers(store)).toEqual(["a leaves s:8080 told", "b leaves s:8080 told", "m joins s:8080"]);
  });
  it("is there again as if it had never left when it comes back in time", () => {
    const store = storeWith(TWO);
    put(store, workload("a", "nobody"));
    put(store, workload("a", "s"));
    expect(handovers(store)).toEqual([]);
  });
  it("joins anew when its sidecar has stopped listening", () => {
    const store = storeWith(TWO);
    put(store, workload("a", "nobody"));
    const [[key, handover] = []] = store.current.snapshot.handovers;
    if (key === undefined || handover === undefined) throw new Error("no handover");
    const leaving = handover.leaving.map((left) => ({ ...left, phase: "draining" as const }));
    store.setHandovers(new Map([[key, { ...handover, leaving }]]));
    put(store, workload("a", "s"));
    expect(handovers(store)).toEqual(["a joins s:8080"]);
  });
  it("joins anew when it was deleted, because its sidecar may have been ended", () => {
    const store = storeWith(TWO);
    remove(store, "WorkloadEntry", "a");
    put(store, workload("a", "s"));
    expect(handovers(store)).toEqual(["a joins s:8080"]);
  });
  it("keeps what it was: labels, service and port", () => {
    const store = storeWith(TWO);
    put(store, workload("a", "nobody"));
    remove(store, "Service", "s");
    const left = store.current.snapshot.handovers.get("default/a")?.leaving ?? [];
    expect(left.map(({ workload: was }) => [objectKey(was), was.labels])).toEqual([["default/a", { app: "s" }]]);
  });
  it("is bounded", () => {
    const store = storeWith(TWO);
    for (let i = 0; i < 150; i++) {
      put(store, service(`t${i}`, { selector: { app: "s" } }));
      listens(store, "a");
      remove(store, "Service", `t${i}`);
    }
    expect(store.current.snapshot.handovers.get("default/a")?.leaving).toHaveLength(100);
  });
});
