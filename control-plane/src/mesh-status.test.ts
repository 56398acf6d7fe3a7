import { beforeEach, describe, expect, it } from "vitest";
import { mkPlugin, mkServed, mkService } from "../../test/builders.js";
import { createMeshStatus, type MeshStatus, type ProxyReport } from "./mesh-status.js";
import type { Diagnostic } from "./model/diagnostic.js";
import type { ModuleState } from "./model/module-state.js";
import type { ObjectRef } from "./model/object-ref.js";
import type { Plugin } from "./model/plugin.js";
import type { RolloutReport } from "./model/rollout.js";
import type { ApplyEvent } from "./source/source.js";
import { statuses } from "./status/statuses.js";

const SERVICES = 500;
const PLUGINS = 50;
const PROXIES = 1000;
const NOW = "2026-01-01T00:00:00.000Z";
const plugin = (index: number) => `default/p${index}`;
const workload = (index: number) => `default/w${index}`;

let plugins: Map<string, Plugin>;
let modules: Map<string, ModuleState>;
let storeDiagnostics: readonly Diagnostic[];
let rejected: Map<string, { version: string; message: string }[]>;
const NONE = { matched: 0, acked: 0, rejected: 0 };
let remote: Map<string, typeof NONE>;
let rollouts: Map<string, RolloutReport>;
let proxies: Map<string, ProxyReport>;
/** Proxies that were looked at since the last collection. */
let looked: string[];
let told: (readonly Diagnostic[])[];
let mesh: MeshStatus;

const apply = (ref: ObjectRef, object: ApplyEvent["object"], line = 1): ApplyEvent => ({
  kind: "apply",
  ref,
  object,
  file: "mesh.yaml",
  line,
  lineOfField: () => line,
});
const serviceRef = (index: number): ObjectRef => ({ kind: "Service", namespace: "default", name: `s${index}` });
const pluginRef = (index: number): ObjectRef => ({ kind: "WasmPlugin", namespace: "default", name: `p${index}` });
const service = (index: number, line = 1) =>
  apply(serviceRef(index), { kind: "Service", value: mkService(`s${index}`) }, line);
const ready = (index: number, version: string): ModuleState => ({
  kind: "ready",
  served: mkServed(`p${index}`, { version }),
});
/** A proxy runs three plugins. */
const report = (index: number, acked = true, more: Partial<ProxyReport> = {}): ProxyReport => {
  const mine = [0, 1, 2].map((step) => plugin((index + step) % PLUGINS));
  return {
    slots: {
      slots: [{ name: "slot", plugins: mine, version: "now" }],
      acked: new Map([["slot", acked ? "now" : "before"]]),
    },
    refusals: [],
    ...more,
  };
};
const wrong = (object: ObjectRef, message: string): Diagnostic => ({
  severity: "error",
  reason: "Wrong",
  object,
  message,
  hint: "mend it",
});

/** The statuses that were made, by name, and what is gone. */
function collected() {
  looked = [];
  const changes = mesh.collect();
  const documents = statuses({ ...changes, previous: new Map(), now: NOW });
  return {
    made: documents.map(({ object }) => object.name).sort(),
    gone: changes.gone.map(({ name }) => name),
    documents,
    isAll: changes.isAll,
  };
}

beforeEach(() => {
  plugins = new Map(Array.from({ length: PLUGINS }, (_, i) => [plugin(i), mkPlugin(`p${i}`)]));
  modules = new Map(Array.from({ length: PLUGINS }, (_, i) => [plugin(i), ready(i, "v1")]));
  proxies = new Map(Array.from({ length: PROXIES }, (_, i) => [workload(i), report(i)]));
  storeDiagnostics = [];
  rejected = new Map();
  remote = new Map();
  rollouts = new Map();
  told = [];
  mesh = createMeshStatus({
    snapshot: () => ({ plugins, modules }),
    storeDiagnostics: () => storeDiagnostics,
    proxy: (key) => {
      looked.push(key);
      return proxies.get(key);
    },
    remote: (key) => remote.get(key) ?? NONE,
    rejected: (key) => rejected.get(key) ?? [],
    rollout: (key) => rollouts.get(key),
    onDiagnostics: (now) => told.push(now),
  });
  mesh.take([
    ...Array.from({ length: SERVICES }, (_, i) => service(i)),
    ...[...plugins].map(([, value], i) => apply(pluginRef(i), { kind: "WasmPlugin", value })),
  ]);
  for (const key of proxies.keys()) mesh.proxyChanged(key);
});

it("counts the proxies of other replicas with its own, and makes a status anew when only they changed", () => {
  collected();
  const own = mesh.counts(plugin(1)).matched;
  remote.set(plugin(1), { matched: 2, acked: 1, rejected: 0 });
  expect(mesh.counts(plugin(1)).matched).toBe(own + 2);
  expect(collected().made).toHaveLength(1);
  expect(collected().made).toEqual([]);
});

it("makes all statuses once", () => {
  const first = collected();
  expect(first.isAll).toBe(true);
  expect(first.made).toHaveLength(SERVICES + PLUGINS);
  expect(looked).toHaveLength(PROXIES);
  expect(collected()).toMatchObject({ made: [], gone: [], isAll: false });
  expect(looked).toEqual([]);
});

describe("of a mesh of 500 services, 50 plugins and 1,000 proxies", () => {
  beforeEach(() => void collected());

  it("an object that changed is one status", () => {
    mesh.take([service(7)]);
    expect(collected().made).toEqual(["s7"]);
    expect(looked).toEqual([]);
  });

  it("an object that is gone has none any more, and a new one has", () => {
    mesh.take([{ kind: "delete", ref: serviceRef(7) }, service(SERVICES)]);
    expect(collected()).toMatchObject({ made: [`s${SERVICES}`], gone: ["s7"] });
  });

  it("a proxy that answers is looked at alone, and is in the statuses of its own plugins", () => {
    proxies.set(workload(3), report(3, false));
    mesh.proxyChanged(workload(3));
    const { made, documents } = collected();
    expect(made).toEqual(["p3", "p4", "p5"]);
    expect(looked).toEqual([workload(3)]);
    const proxiesOf3 = (PROXIES / PLUGINS) * 3;
    expect(documents[0]?.status).toMatchObject({ proxies: { matched: proxiesOf3, acked: proxiesOf3 - 1 } });
  });

  it("a proxy that says what it said before costs a look, and no status", () => {
    mesh.proxyChanged(workload(3));
    expect(collected().made).toEqual([]);
    expect(looked).toEqual([workload(3)]);
  });

  it("a proxy that goes counts no more", () => {
    proxies.delete(workload(3));
    mesh.proxyChanged(workload(3));
    expect(collected().made).toEqual(["p3", "p4", "p5"]);
    expect(mesh.counts(plugin(4)).matched).toBe((PROXIES / PLUGINS) * 3 - 1);
  });

  it("a module, a refused version or a rollout is one status", () => {
    modules = new Map([...modules, [plugin(1), ready(1, "v2")]]);
    expect(collected().made).toEqual(["p1"]);
    rejected.set(plugin(2), [{ version: "v1", message: "no" }]);
    expect(collected().made).toEqual(["p2"]);
    const place = { phase: "observing", step: 1, steps: 2, weight: 25, limit: 25, since: NOW } as const;
    const rollout: RolloutReport = { state: "Progressing", ...place, message: "", version: "v2", digest: "d" };
    rollouts.set(plugin(3), rollout);
    expect(collected().made).toEqual(["p3"]);
    rollouts.set(plugin(3), { ...rollout });
    expect(collected().made).toEqual([]);
    rollouts.set(plugin(3), { ...rollout, step: 2 });
    expect(collected().made).toEqual(["p3"]);
  });

  it("something wrong is a status of what it is about, when it comes and when it goes, and is told once", () => {
    const before = told.length;
    storeDiagnostics = [wrong(serviceRef(9), "x"), wrong({ ...serviceRef(0), name: "unknown" }, "y")];
    expect(collected().made).toEqual(["s9", "unknown"]);
    expect(mesh.diagnostics()).toMatchObject([{ message: "x", file: "mesh.yaml", line: 1 }, { message: "y" }]);
    storeDiagnostics = [...storeDiagnostics];
    expect(collected().made).toEqual([]);
    storeDiagnostics = [];
    expect(collected()).toMatchObject({ made: ["s9"], gone: ["unknown"] });
    expect(told.slice(before).map((list) => list.length)).toEqual([2, 2, 0]);
  });

  it("what a proxy refuses is a status of its workload", () => {
    const refusals = [wrong({ kind: "WorkloadEntry", namespace: "default", name: "w3" }, "refused")];
    proxies.set(workload(3), report(3, true, { refusals }));
    mesh.proxyChanged(workload(3));
    expect(collected().made).toEqual(["w3"]);
    proxies.set(workload(3), report(3));
    mesh.proxyChanged(workload(3));
    expect(collected()).toMatchObject({ made: [], gone: ["w3"] });
  });

  it("a file that cannot be read is about all objects in it, each told once of it", () => {
    const broken: Diagnostic = { severity: "error", reason: "SyntaxError", message: "z", hint: "", file: "mesh.yaml" };
    mesh.take([{ kind: "diagnostics", diagnostics: [broken] }]);
    const { made, documents } = collected();
    expect(made).toHaveLength(SERVICES + PLUGINS);
    for (const { status } of documents) expect(status).toMatchObject({ diagnostics: [expect.stringContaining("z")] });
  });

  it("a problem is told anew where its object moved to another line", () => {
    storeDiagnostics = [wrong(serviceRef(9), "x")];
    collected();
    mesh.take([service(9, 12)]);
    expect(collected().made).toEqual(["s9"]);
    expect(mesh.diagnostics()).toMatchObject([{ line: 12 }]);
  });
});
