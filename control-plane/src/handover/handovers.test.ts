import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { mkService, mkWorkload, settings } from "../../../test/builders.js";
import type { ChangedNames } from "../model/resource.js";
import type { Workload } from "../model/workload.js";
import { createStore, type Store } from "../store/store.js";
import { createHandovers, type HandoverProxy, type Handovers } from "./handovers.js";

// Two callers of `s`, and `a` and `b` behind it.
const S = 1_000;
let store: Store;
let handovers: Handovers;
let told: string[];
const proxies = new Map<string, HandoverProxy>();

const connect = (name: string, over: Partial<HandoverProxy> = {}) =>
  proxies.set(`default/${name}`, { connectedAtMs: Date.now(), isCaughtUp: true, listens: true, ...over });
const disconnect = (name: string) => {
  proxies.delete(`default/${name}`);
  handovers.gone(`default/${name}`);
};
const put = (...workloads: Workload[]) =>
  store.apply(workloads.map((value) => ({ kind: "apply", object: { kind: "WorkloadEntry", value } })));
const remove = (name: string) =>
  store.apply([{ kind: "delete", ref: { kind: "WorkloadEntry", namespace: "default", name } }]);
const behind = (name: string, app = "s") => mkWorkload(name, { labels: { app } });
const phases = (name: string) =>
  (store.current.snapshot.handovers.get(`default/${name}`)?.leaving ?? []).map(({ phase }) => phase).join(" ");
const isJoining = (name: string) => (store.current.snapshot.handovers.get(`default/${name}`)?.joining.size ?? 0) > 0;
const departed = (name: string) => handovers.departure(`default/${name}`).ok;

function create(hasSisters = false): void {
  proxies.clear();
  told = [];
  store = createStore(settings, "");
  store.apply([{ kind: "apply", object: { kind: "Service", value: mkService("s") } }]);
  put(behind("a"), behind("b"), mkWorkload("caller"));
  handovers = createHandovers({
    snapshot: () => store.current.snapshot,
    set: (settled) => store.setHandovers(settled),
    proxy: (key) => proxies.get(key),
    hasSisters,
    onEvent: (message) => told.push(message),
  });
  store.subscribe(({ snapshot }) => {
    const names: ChangedNames = new Map([["endpoints", new Set(["outbound|8080||s.default.svc.cluster.local"])]]);
    handovers.published(snapshot, new Map([...proxies.keys()].map((key) => [key, names])));
  });
  store.beginHandovers({ joining: true });
  handovers.begin();
}

beforeEach(() => {
  vi.useFakeTimers();
  create();
  for (const name of ["a", "b", "caller"]) connect(name);
});
afterEach(() => {
  handovers.close();
  vi.useRealTimers();
});

it("listens for callers that have not acknowledged, then a little longer, then drains, then forgets", () => {
  connect("caller", { isCaughtUp: false });
  put(behind("a", "nobody"));
  vi.advanceTimersByTime(30 * S);
  expect(phases("a")).toBe("told");
  expect(handovers.report()).toMatchObject([
    {
      workload: "default/a",
      joining: [],
      leaving: ["s.default.svc.cluster.local:8080"],
      waitingFor: ["default/caller"],
    },
  ]);
  connect("caller");
  vi.advanceTimersByTime(1 * S);
  expect(phases("a")).toBe("told");
  vi.advanceTimersByTime(2 * S);
  expect(phases("a")).toBe("draining");
  expect(handovers.report()).toEqual([]);
  vi.advanceTimersByTime(52 * S);
  expect(store.current.snapshot.handovers.size).toBe(0);
});

it("does not wait for ever for a caller that hangs", () => {
  connect("caller", { isCaughtUp: false });
  put(behind("a", "nobody"));
  vi.advanceTimersByTime(61 * S);
  expect(phases("a")).toBe("draining");
});

it("waits for a caller that lost its stream, because it comes back with what it had", () => {
  connect("caller", { isCaughtUp: false });
  put(behind("a", "nobody"));
  disconnect("caller");
  vi.advanceTimersByTime(20 * S);
  expect(phases("a")).toBe("told");
  connect("caller");
  vi.advanceTimersByTime(3 * S);
  expect(phases("a")).toBe("draining");
});

it("waits for callers that were away when it was said", () => {
  disconnect("caller");
  put(behind("a", "nobody"));
  vi.advanceTimersByTime(20 * S);
  expect(phases("a")).toBe("told");
  vi.advanceTimersByTime(18 * S);
  // It did not come back in the time that a sidecar needs.
  expect(phases("a")).toBe("draining");
});

it("does not wait for a caller whose workload is gone", () => {
  connect("caller", { isCaughtUp: false });
  put(behind("a", "nobody"));
  remove("caller");
  disconnect("caller");
  vi.advanceTimersByTime(3 * S);
  expect(phases("a")).toBe("draining");
});

it("after a restart takes no caller for one that knows until it is back", () => {
  handovers.close();
  create();
  connect("caller");
  put(behind("a", "nobody"));
  vi.advanceTimersByTime(20 * S);
  expect(phases("a")).toBe("told");
  expect(departed("never-was")).toBe(false);
  for (const name of ["a", "b"]) connect(name);
  vi.advanceTimersByTime(3 * S);
  expect(phases("a")).toBe("draining");
  expect(departed("never-was")).toBe(true);
});

it("announces what joins when its sidecar listens, and not before", () => {
  put(behind("c"));
  vi.advanceTimersByTime(5 * S);
  expect(isJoining("c")).toBe(true);
  connect("c", { listens: false });
  handovers.proxyChanged();
  vi.advanceTimersByTime(5 * S);
  expect(isJoining("c")).toBe(true);
  connect("c");
  vi.advanceTimersByTime(1 * S);
  expect(isJoining("c")).toBe(false);
  // A sidecar that goes takes nothing back.
  disconnect("c");
  vi.advanceTimersByTime(10 * S);
  expect(isJoining("c")).toBe(false);
});

it("tells once of a workload whose sidecar never comes", () => {
  put(behind("c"));
  vi.advanceTimersByTime(120 * S);
  expect(isJoining("c")).toBe(true);
  expect(told).toEqual([
    "WorkloadEntry default/c is not announced to its callers: its sidecar is not connected; see weft status",
  ]);
  expect(handovers.report()).toMatchObject([{ workload: "default/c", joining: ["s.default.svc.cluster.local:8080"] }]);
});

it("with sisters announces one that is not connected here after a while", () => {
  handovers.close();
  create(true);
  put(behind("c"));
  vi.advanceTimersByTime(29 * S);
  expect(isJoining("c")).toBe(true);
  vi.advanceTimersByTime(3 * S);
  expect(isJoining("c")).toBe(false);
});

it("lets a workload be ended when it is gone and its callers know", () => {
  expect(departed("a")).toBe(false);
  connect("caller", { isCaughtUp: false });
  remove("a");
  vi.advanceTimersByTime(5 * S);
  expect(departed("a")).toBe(false);
  connect("caller");
  vi.advanceTimersByTime(3 * S);
  expect(departed("a")).toBe(true);
  // Its sidecar is being ended: that it still listens counts for nothing when the workload comes back.
  put(behind("a"));
  vi.advanceTimersByTime(5 * S);
  expect(isJoining("a")).toBe(true);
  disconnect("a");
  connect("a");
  handovers.proxyChanged();
  vi.advanceTimersByTime(2 * S);
  expect(isJoining("a")).toBe(false);
});
