import { describe, expect, it } from "vitest";
import {
  mkDestinationRule,
  mkGatewayRoute,
  mkMeshConfig,
  mkPlugin,
  mkService,
  mkServiceEntry,
  mkVirtualService,
  mkWorkload,
  ready,
  settings,
} from "../../../test/builders.js";
import type { MeshObject } from "../model/mesh-object.js";
import type { Snapshot } from "../model/snapshot.js";
import { destinationsOf, type VirtualService } from "../model/virtual-service.js";
import { createStore, type Store, type StoreChange } from "./store.js";

const HOST = "backend.default.svc.cluster.local";
const apply = (...objects: MeshObject[]): StoreChange[] => objects.map((object) => ({ kind: "apply", object }));
const remove = (kind: MeshObject["kind"], name: string): StoreChange => ({
  kind: "delete",
  ref: { kind, namespace: "default", name },
});
const service = (name: string, over = {}): MeshObject => ({ kind: "Service", value: mkService(name, over) });
const workload = (name: string, over = {}): MeshObject => ({ kind: "WorkloadEntry", value: mkWorkload(name, over) });
const rule = (name: string, ...subsets: string[]): MeshObject => ({
  kind: "DestinationRule",
  value: mkDestinationRule(name, subsets),
});
const virtual = (weights: Readonly<Record<string, number>>, over: Partial<VirtualService> = {}): MeshObject => ({
  kind: "VirtualService",
  value: { ...mkVirtualService("backend", weights), ...over },
});
/** One rule to one destination. */
const route = (destination: { host: string; subset?: string; port?: number }, over: Partial<VirtualService> = {}) =>
  virtual(
    {},
    { http: [{ matches: [], action: { kind: "forward", destinations: [{ ...destination, weight: 100 }] } }], ...over },
  );
const gatewayRoute = (name: string): MeshObject => ({
  kind: "HTTPRoute",
  value: mkGatewayRoute(name, "backend", { backend: 1 }),
});
const plugin = (name: string, over = {}): MeshObject => ({ kind: "WasmPlugin", value: mkPlugin(name, over) });

/** `SubsetNotFound VirtualService default/backend spec.http[0]…` */
const problems = (store: Store) =>
  store.current.diagnostics.map(
    ({ reason, object, field }) => `${reason} ${object?.kind} ${object?.namespace}/${object?.name} ${field}`,
  );
/** The subsets of the rule in force for backend, with their weights; undefined where none is in force. */
const inForce = (store: Store) => {
  const found = store.current.snapshot.virtualServices.get("default/backend");
  return found && Object.fromEntries(destinationsOf(found.http[0]!).map((d) => [d.subset, d.weight]));
};

describe("hosts of ServiceEntries", () => {
  const entry = (name: string, ...hosts: string[]): MeshObject => ({
    kind: "ServiceEntry",
    value: mkServiceEntry(name, hosts),
  });
  const owners = (store: Store) =>
    Object.fromEntries([...store.current.snapshot.services].map(([host, { name }]) => [host, name]));

  it("stand among the services, each by itself", () => {
    const store = createStore(settings, "");
    store.apply(apply(entry("out", "a.example", "b.example")));
    expect(owners(store)).toEqual({ "a.example": "out", "b.example": "out" });
    store.apply(apply(entry("out", "b.example")));
    expect(owners(store)).toEqual({ "b.example": "out" });
    store.apply([remove("ServiceEntry", "out")]);
    expect(owners(store)).toEqual({});
  });

  it("are a Service's where there is one, and the first entry's among several, whatever came first", () => {
    const store = createStore(settings, "");
    store.apply(apply(entry("two", HOST, "a.example"), entry("one", "a.example")));
    expect(owners(store)).toEqual({ [HOST]: "two", "a.example": "one" });
    expect(problems(store)).toEqual(["HostTaken ServiceEntry default/two spec.hosts[1]"]);
    store.apply(apply(service("backend")));
    expect(owners(store)).toEqual({ [HOST]: "backend", "a.example": "one" });
    expect(problems(store)).toEqual([
      "HostTaken ServiceEntry default/two spec.hosts[0]",
      "HostTaken ServiceEntry default/two spec.hosts[1]",
    ]);
    store.apply([remove("ServiceEntry", "one"), remove("Service", "backend")]);
    expect(owners(store)).toEqual({ [HOST]: "two", "a.example": "two" });
    expect(problems(store)).toEqual([]);
  });

  it("leave the map of services as it is when nothing is different", () => {
    const store = createStore(settings, "");
    store.apply(apply(service("backend"), entry("one", HOST)));
    const { services } = store.current.snapshot;
    store.apply([remove("ServiceEntry", "one")]);
    expect(store.current.snapshot.services).toBe(services);
  });
});

describe("a VirtualService", () => {
  const meshOf = (...objects: MeshObject[]) => {
    const store = createStore(settings, "");
    store.apply(apply(service("backend"), rule("backend", "v1", "v2"), ...objects));
    return store;
  };
  const missing = (part: string, reason: string) =>
    `${reason} VirtualService default/backend spec.http[0].route[0].destination.${part}`;

  it.each<[string, MeshObject, string]>([
    ["subset", virtual({ v3: 100 }), missing("subset", "SubsetNotFound")],
    ["host", route({ host: "nobody.default.svc.cluster.local" }), missing("host", "HostNotFound")],
    ["port", route({ host: HOST, port: 1 }), missing("port", "PortNotFound")],
  ])("that names a missing %s leaves the last good version in force, and is told so", (_part, broken, problem) => {
    const store = meshOf(virtual({ v1: 90, v2: 10 }));
    expect(problems(store)).toEqual([]);
    store.apply(apply(broken));
    expect(inForce(store)).toEqual({ v1: 90, v2: 10 });
    expect(problems(store)).toEqual([problem]);
  });

  it("that was never right is not in force", () => {
    const store = meshOf(virtual({ v3: 100 }));
    expect(inForce(store)).toBeUndefined();
    expect(problems(store)).toEqual([missing("subset", "SubsetNotFound")]);
  });

  it("heals when what it names appears, without being touched", () => {
    const store = meshOf(virtual({ v1: 100 }));
    store.apply(apply(virtual({ v3: 100 })));
    expect(inForce(store)).toEqual({ v1: 100 });
    store.apply(apply(rule("backend", "v1", "v3")));
    expect(inForce(store)).toEqual({ v3: 100 });
    expect(problems(store)).toEqual([]);
  });

  it("is right in the batch that brings what it names, whatever the order", () => {
    const store = createStore(settings, "");
    store.apply(apply(virtual({ v1: 100 }), rule("backend", "v1"), service("backend")));
    expect(inForce(store)).toEqual({ v1: 100 });
    expect(problems(store)).toEqual([]);
  });

  it("is dropped when neither it nor its last good version holds, and comes back", () => {
    const store = meshOf(virtual({ v1: 100 }));
    store.apply(apply(virtual({ v3: 100 })));
    store.apply(apply(rule("backend", "v2")));
    expect(inForce(store)).toBeUndefined();
    store.apply(apply(rule("backend", "v3")));
    expect(inForce(store)).toEqual({ v3: 100 });
  });

  it("goes when it is deleted, its last good version too", () => {
    const store = meshOf(virtual({ v1: 100 }));
    store.apply(apply(virtual({ v3: 100 })));
    store.apply([remove("VirtualService", "backend")]);
    expect(inForce(store)).toBeUndefined();
    expect(problems(store)).toEqual([]);
  });

  it("says every missing reference, and what there is instead", () => {
    const store = meshOf(
      virtual(
        {},
        {
          http: [
            {
              matches: [],
              action: {
                kind: "forward",
                destinations: [
                  { host: HOST, subset: "v8", weight: 50 },
                  { host: HOST, subset: "v9", port: 9, weight: 50 },
                ],
              },
            },
          ],
        },
      ),
    );
    expect(store.current.diagnostics.map(({ field, hint }) => `${field}: ${hint}`)).toEqual([
      "spec.http[0].route[0].destination.subset: use one that exists (v1, v2), or define it",
      "spec.http[0].route[1].destination.port: use one that exists (8080), or define it",
      "spec.http[0].route[1].destination.subset: use one that exists (v1, v2), or define it",
    ]);
  });

  const ports = (...numbers: number[]) => ({
    ports: numbers.map((port) => ({ name: `p${port}`, port, targetPort: port, protocol: "http" as const })),
  });
  it.each<[string, number[], number | undefined, boolean]>([
    ["has only one port, another than the called one", [9000], undefined, true],
    ["has the called port among others", [8080, 9000], undefined, true],
    ["has several ports, none of them the called one", [9000, 9001], undefined, false],
    ["has several ports and is named with one of them", [9000, 9001], 9001, true],
  ])("to a service that %s", (_name, numbers, port, ok) => {
    const destination = { host: "other.default.svc.cluster.local", ...(port === undefined ? {} : { port }) };
    const store = meshOf(service("other", ports(...numbers)), route(destination));
    expect(store.current.snapshot.virtualServices.size).toBe(ok ? 1 : 0);
    expect(problems(store)).toEqual(ok ? [] : [missing("port", "PortMissing")]);
  });

  it("for a host that no Service has is in force and told so", () => {
    const store = meshOf(route({ host: HOST }, { hosts: [HOST, "nobody.default.svc.cluster.local"] }));
    expect(store.current.snapshot.virtualServices.size).toBe(1);
    expect(problems(store)).toEqual(["HostNotFound VirtualService default/backend spec.hosts[1]"]);
    expect(store.current.diagnostics[0]?.severity).toBe("warning");
  });
});

describe("a VirtualService that an earlier run had in force", () => {
  const earlier = mkVirtualService("backend", { v1: 100 });
  const mesh = apply(service("backend"), rule("backend", "v1"));

  it("stays in force while the one that is written does not hold, and gives way when it does", () => {
    const store = createStore(settings, "", [earlier]);
    store.apply([...mesh, ...apply(virtual({ v3: 100 }))]);
    expect(inForce(store)).toEqual({ v1: 100 });
    expect(store.current.diagnostics).toHaveLength(1);
    store.apply(apply(rule("backend", "v1", "v3")));
    expect(inForce(store)).toEqual({ v3: 100 });
  });

  it("is gone when the object is, or when it does not hold itself", () => {
    const gone = createStore(settings, "", [earlier]);
    gone.apply(mesh);
    expect(inForce(gone)).toBeUndefined();
    const broken = createStore(settings, "", [earlier]);
    broken.apply(apply(service("backend"), virtual({ v3: 100 })));
    expect(inForce(broken)).toBeUndefined();
  });
});

describe("two objects for one host", () => {
  const first = route({ host: HOST }, { name: "a" });
  const second = route({ host: HOST }, { name: "b", hosts: ["other.default.svc.cluster.local", HOST] });

  it("are told which of them is in force: the first by key, whenever it came", () => {
    const store = createStore(settings, "");
    store.apply(apply(second, service("backend"), service("other")));
    store.apply(apply(first));
    expect(problems(store)).toEqual(["HostTaken VirtualService default/b spec.hosts[1]"]);
    expect(store.current.diagnostics[0]).toMatchObject({ severity: "warning" });
    expect(store.current.diagnostics[0]?.message).toContain("VirtualService default/a");
    store.apply([remove("VirtualService", "a")]);
    expect(problems(store)).toEqual([]);
  });

  it("do not collide while the first is not in force", () => {
    const store = createStore(settings, "");
    const broken = route({ host: HOST, subset: "v9" }, { name: "a" });
    store.apply(apply(broken, second, service("backend"), service("other")));
    expect([...store.current.snapshot.virtualServices.keys()]).toEqual(["default/b"]);
    expect(problems(store)).toEqual([
      "SubsetNotFound VirtualService default/a spec.http[0].route[0].destination.subset",
    ]);
  });

  it("of DestinationRules too; the subsets are those of the first", () => {
    const store = createStore(settings, "");
    const other: MeshObject = {
      kind: "DestinationRule",
      value: { ...mkDestinationRule("backend", ["v9"]), name: "z" },
    };
    store.apply(apply(other, service("backend"), rule("backend", "v1"), virtual({ v9: 100 })));
    expect(problems(store)).toEqual([
      "SubsetNotFound VirtualService default/backend spec.http[0].route[0].destination.subset",
      "HostTaken DestinationRule default/z spec.host",
    ]);
  });

  it("a DestinationRule for a host that no Service has is told so", () => {
    const store = createStore(settings, "");
    store.apply(apply(rule("backend", "v1")));
    expect(problems(store)).toEqual(["HostNotFound DestinationRule default/backend spec.host"]);
  });
});

describe("ports of 127.0.0.1", () => {
  const taken = (name: string, port: string) => `PortTaken WorkloadEntry default/${name} spec.ports.${port}`;
  it.each<[string, MeshObject[], string[]]>([
    ["of its own each", [workload("a"), workload("b", { ports: { http: 18081 } })], []],
    ["of two workloads", [workload("b"), workload("a")], [taken("b", "http")]],
    ["of two names of one workload", [workload("a", { ports: { x: 18080, y: 18080 } })], []],
    [
      "of two workloads that leave it to their services",
      [service("a"), service("b"), workload("a", { ports: {} }), workload("b", { ports: {} })],
      [taken("b", "http")],
    ],
    [
      "of a service, which the other workload names itself",
      [service("a"), workload("a", { ports: {} }), workload("b", { ports: { web: 8080 } })],
      [taken("b", "web")],
    ],
    [
      "of a service, which the workload itself says otherwise",
      [service("a"), workload("a", { ports: { http: 1 } }), workload("b", { ports: { web: 8080 } })],
      [],
    ],
    [
      "of a workload without sidecar, called at its own address",
      [workload("a"), workload("b", { hasSidecar: false })],
      [],
    ],
  ])("%s", (_name, objects, expected) => {
    const store = createStore(settings, "");
    store.apply(apply(...objects));
    expect(problems(store)).toEqual(expected);
  });
});

describe("ports on the client side of a plugin", () => {
  const match = (mode: "CLIENT" | "SERVER" | "CLIENT_AND_SERVER", ports: number[]) => [{ mode, ports }];
  it.each([
    [match("SERVER", [8080]), []],
    [match("CLIENT", []), []],
    [match("CLIENT", [8080]), ["error"]],
    [match("CLIENT_AND_SERVER", [8080]), ["warning"]],
  ])("of %j give %j", (matches, severities) => {
    const store = createStore(settings, "");
    store.apply(apply(plugin("p", { match: matches })));
    expect(store.current.diagnostics.map(({ severity }) => severity)).toEqual(severities);
    if (severities.length > 0)
      expect(problems(store)).toEqual(["ClientPortsUnsupported WasmPlugin default/p spec.match[0].ports"]);
  });
});

it.each([
  [["redirect"], []],
  [["redirect", "none"], ["warning"]],
  [["none"], ["error"]],
] as const)("a plugin for a port that workloads with interception %j call gives %j", (interceptions, severities) => {
  const store = createStore(settings, "");
  const workloads = interceptions.map((interception, i) =>
    workload(`w${i}`, { interception, address: `10.0.0.${i}`, ports: {} }),
  );
  store.apply(apply(...workloads, plugin("p", { match: [{ mode: "CLIENT", ports: [8080] }] })));
  expect(store.current.diagnostics.map(({ severity }) => severity)).toEqual(severities);
});

describe("what a plugin names", () => {
  const ROUTE = { kind: "HTTPRoute", name: "r" } as const;
  const NO_ROUTE = "TargetNotFound spec.targetRefs";
  const callout = (host: string, port = 8080) => ({ name: "c", host, port, protocol: "http" as const });
  it.each<[string, object, string[]]>([
    ["a Service as its target", { targetServices: ["backend"] }, []],
    ["a target that is not there", { targetServices: ["nobody"] }, ["error TargetNotFound spec.targetRefs"]],
    ["one of two targets", { targetServices: ["backend", "nobody"] }, ["warning TargetNotFound spec.targetRefs"]],
    ["a target of another namespace", { targetServices: ["shop"] }, ["error TargetNotFound spec.targetRefs"]],
    ["a route as its target", { targetRoutes: [ROUTE] }, []],
    ["a route of another kind", { targetRoutes: [{ ...ROUTE, kind: "GRPCRoute" }] }, [`error ${NO_ROUTE}`]],
    ["one of two routes", { targetRoutes: [ROUTE, { ...ROUTE, name: "s" }] }, [`warning ${NO_ROUTE}`]],
    ["a callout to a Service", { callouts: [callout("backend"), callout("shop.shop.svc")] }, []],
    ["a callout to the world", { callouts: [callout("api.example.com"), callout("127.0.0.1"), callout("a.b")] }, []],
    ["a callout to nobody", { callouts: [callout("nobody")] }, ["warning HostNotFound spec.callouts[0].host"]],
    [
      "a callout to no port",
      { callouts: [callout("backend"), callout("backend", 1)] },
      ["warning PortNotFound spec.callouts[1].port"],
    ],
  ])("%s", (_name, over, expected) => {
    const store = createStore(settings, "");
    const r = gatewayRoute("r");
    store.apply(apply(service("backend"), service("shop", { namespace: "shop" }), r, plugin("p", over)));
    const found = store.current.diagnostics.map(({ severity, reason, field }) => `${severity} ${reason} ${field}`);
    expect(found).toEqual(expected);
    expect(store.current.snapshot.plugins.has("default/p")).toBe(true);
  });
});

it("tells of each plugin for which routes all slots are taken", () => {
  const store = createStore(settings, "");
  const names = ["a", "b", "c", "d", "e"];
  const plugins = names.map((name) => plugin(name, { targetRoutes: [{ kind: "HTTPRoute", name }] }));
  store.apply(apply(service("backend"), ...names.map(gatewayRoute), ...plugins));
  const problems = () =>
    store.current.diagnostics.map(({ severity, object, reason }) => `${severity} ${object?.name} ${reason}`);
  expect(problems()).toEqual(["error e TooManyRoutePlugins"]);
  store.apply([remove("WasmPlugin", "b")]);
  expect(problems()).toEqual([]);
});

describe("snapshots", () => {
  const KINDS = [
    "services",
    "workloads",
    "destinationRules",
    "virtualServices",
    "peerAuthentications",
    "plugins",
    "modules",
  ] as const satisfies readonly (keyof Snapshot)[];
  const full = () => {
    const store = createStore(settings, "roots");
    store.apply(
      apply(service("backend"), workload("w"), rule("backend", "v1"), virtual({ v1: 100 }), plugin("p"), {
        kind: "PeerAuthentication",
        value: { namespace: "default", name: "p", mode: "STRICT" },
      }),
    );
    store.setModules(new Map([["default/p", ready("p")]]));
    return store;
  };
  /** The kinds that are other maps after the change. */
  const changedBy = (change: (store: Store) => void) => {
    const store = full();
    const before = store.current.snapshot;
    change(store);
    return KINDS.filter((kind) => store.current.snapshot[kind] !== before[kind]);
  };

  it.each<[(typeof KINDS)[number], (store: Store) => void]>([
    ["services", (s) => s.apply(apply(service("other")))],
    ["workloads", (s) => s.apply(apply(workload("w", { weight: 2 })))],
    ["destinationRules", (s) => s.apply(apply(rule("backend", "v1", "v2")))],
    ["virtualServices", (s) => s.apply(apply(virtual({ v1: 100 })))],
    ["peerAuthentications", (s) => s.apply([remove("PeerAuthentication", "p")])],
    ["plugins", (s) => s.apply([remove("WasmPlugin", "p")])],
    ["modules", (s) => s.setModules(new Map([["default/p", undefined]]))],
  ])("share all but %s when only that changes", (kind, change) => {
    expect(changedBy(change)).toEqual([kind]);
  });

  it("share the values that did not change", () => {
    const store = full();
    const before = store.current.snapshot.services.get(HOST);
    store.apply(apply(service("other")));
    expect(store.current.snapshot.services.get(HOST)).toBe(before);
  });

  it("are never changed afterwards, not even by a batch that touches an object twice", () => {
    const store = full();
    const before = store.current.snapshot;
    const keys = KINDS.map((kind) => [...before[kind].keys()]);
    store.apply([
      ...apply(service("x"), workload("y"), plugin("z")),
      remove("Service", "backend"),
      remove("WasmPlugin", "p"),
    ]);
    store.setModules(new Map([["default/q", ready("q")]]));
    expect(KINDS.map((kind) => [...before[kind].keys()])).toEqual(keys);
  });

  it("take the last of several changes of one object", () => {
    const store = createStore(settings, "");
    store.apply([
      ...apply(service("a"), service("b")),
      remove("Service", "a"),
      ...apply(service("b", { selector: { app: "z" } })),
    ]);
    expect([...store.current.snapshot.services.values()]).toEqual([mkService("b", { selector: { app: "z" } })]);
  });

  it.each<[string, (store: Store) => void]>([
    ["no change at all", (s) => s.apply([])],
    [
      "an object that is there",
      (s) => s.apply([{ kind: "apply", object: { kind: "Service", value: s.current.snapshot.services.get(HOST)! } }]),
    ],
    [
      "an object that is gone already",
      (s) => s.apply([remove("Service", "nobody"), remove("VirtualService", "nobody")]),
    ],
    [
      "an object of a kind that the mesh does not read",
      (s) => s.apply([{ kind: "delete", ref: { kind: "Ingress", namespace: "default", name: "x" } }]),
    ],
    ["a module that is there", (s) => s.setModules(new Map(s.current.snapshot.modules))],
    ["a module that is gone already", (s) => s.setModules(new Map([["default/nobody", undefined]]))],
    ["the same roots", (s) => s.setTrustBundle("roots")],
  ])("are not published for %s", (_name, noop) => {
    const store = full();
    let events = 0;
    store.subscribe(() => events++);
    const before = store.current;
    noop(store);
    expect(events).toBe(0);
    expect(store.current).toBe(before);
  });

  it("are published once per call, to every subscriber, as they are then current", () => {
    const store = full();
    const seen: boolean[] = [];
    const stop = store.subscribe((event) => seen.push(event === store.current));
    store.apply(apply(service("a"), service("b"), workload("c")));
    store.setTrustBundle("new");
    expect(seen).toEqual([true, true]);
    stop();
    store.setTrustBundle("newer");
    expect(seen).toHaveLength(2);
  });

  it("say what is wrong in the same order, whatever the order of the objects", () => {
    const objects = [
      service("backend"),
      workload("a"),
      workload("b"),
      plugin("x", { match: [{ mode: "CLIENT", ports: [1] }] }),
      plugin("w", { match: [{ mode: "CLIENT", ports: [1] }] }),
      route({ host: "nobody" }, { name: "m" }),
      route({ host: "nobody" }, { name: "l" }),
      rule("r", "v1"),
      rule("q", "v1"),
    ];
    const said = [objects, objects.toReversed()].map((order) => {
      const store = createStore(settings, "");
      store.apply(apply(...order));
      return problems(store);
    });
    expect(said[0]).toHaveLength(7);
    expect(said[1]).toEqual(said[0]);
  });
});

describe("the policy of the mesh", () => {
  const policy = (namespace: string): MeshObject => ({
    kind: "MeshConfig",
    value: mkMeshConfig({ namespace }),
  });
  const secret: MeshObject = { kind: "Secret", value: { namespace: "default", name: "s", publicKeys: {} } };

  it("and Secrets are in the snapshot, until they go", () => {
    const store = createStore(settings, "");
    store.apply(apply(policy("weft-system"), secret));
    expect([...store.current.snapshot.meshConfigs.keys()]).toEqual(["weft-system/default"]);
    expect([...store.current.snapshot.secrets.keys()]).toEqual(["default/s"]);
    expect(problems(store)).toEqual([]);
    store.apply([remove("Secret", "s")]);
    expect(store.current.snapshot.secrets.size).toBe(0);
  });

  it("in another namespace is an error: whoever wrote it believes that it holds", () => {
    const store = createStore(settings, "");
    store.apply(apply(policy("default")));
    expect(problems(store)).toEqual(["NotInRootNamespace MeshConfig default/default metadata.namespace"]);
  });
});
