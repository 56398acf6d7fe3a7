import { describe, expect, it } from "vitest";
import {
  mkGatewayRoute,
  mkManifest,
  mkMeshConfig,
  mkPlugin,
  mkServed,
  mkService,
  mkVirtualService,
  mkWorkload,
  settings,
} from "../../../test/builders.js";
import { randomDestinationRule } from "../../../test/random-destination-rule.js";
import { randomDemand, randomSidecar } from "../../../test/random-scope.js";
import { randomVirtualService } from "../../../test/random-virtual-service.js";
import type { AuthorizationPolicy } from "../model/authorization-policy.js";
import type { Callout } from "../model/callout.js";
import type { EndpointSlice } from "../model/endpoint-slice.js";
import type { GatewayRoute, ReferenceGrant } from "../model/gateway-route.js";
import { type Handover, type Leaving, servedPortId } from "../model/handover.js";
import { servedPorts } from "../model/membership.js";
import type { MeshConfig } from "../model/mesh-config.js";
import type { ModuleState } from "../model/module-state.js";
import { objectKey } from "../model/object-ref.js";
import type { PeerAuthentication } from "../model/peer-authentication.js";
import type { ProxyClient } from "../model/proxy.js";
import type { RequestAuthentication } from "../model/request-authentication.js";
import { RESOURCE_TYPES, type ResourceView } from "../model/resource.js";
import { type Service, type ServiceEndpoint, serviceHost } from "../model/service.js";
import { emptySnapshot, type Snapshot } from "../model/snapshot.js";
import type { Telemetry, TelemetryServer } from "../model/telemetry.js";
import type { VirtualService } from "../model/virtual-service.js";
import type { Workload } from "../model/workload.js";
import { build } from "./build.js";
import { withDemanded } from "./demanded.js";
import { createIncrementalTranslation } from "./incremental.js";
import { select } from "./select.js";
import { translate } from "./translate.js";

/** Numbers that look random and are the same for the same seed. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WASM = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const APPS = ["frontend", "backend", "auth"];
const ENDPOINT: ServiceEndpoint = { address: "10.0.0.9", ports: {}, labels: { version: "v1" }, weight: 1 };
const callout = (host: string): Callout => ({
  name: "c",
  host,
  port: 8080,
  protocol: "http",
  ...(host === "example.com" ? { tls: {} } : {}),
});
/** What answers for a service, and at which addresses. */
const RESOLUTIONS: readonly Partial<Service>[] = [
  {},
  { addresses: ["10.96.0.1"] },
  { addresses: ["10.96.0.1", "10.97.0.0/16"] },
  { resolution: { kind: "headless" } },
  { resolution: { kind: "original" }, location: "external", selector: {} },
  { resolution: { kind: "dns", lookup: "strict", endpoints: [] }, location: "external", selector: {} },
  { resolution: { kind: "static", endpoints: [ENDPOINT] }, selector: {} },
  { resolution: { kind: "externalName", host: "backend.default.svc.cluster.local" }, selector: {} },
];
const ROUTE_NAMES = ["r", "s"];
const ROUTES = (["HTTPRoute", "GRPCRoute"] as const).flatMap((kind) => ROUTE_NAMES.map((name) => ({ kind, name })));
const WORKLOADS = APPS.flatMap((app) => [`${app}-1`, `${app}-2`]);

type Pick = <T>(list: readonly T[]) => T;

const randomPod = (pick: Pick): Partial<Workload> => ({
  interception: "redirect",
  ports: {},
  capturesDns: pick([true, false]),
  pod: { ports: pick([{}, { web: 80 }, { web: 81 }]), node: "n" },
});

/** Slices may name pods that there are not, and pods that no selector names. */
function randomSlice(host: string, name: string, pick: Pick): EndpointSlice {
  const namespace = host.split(".")[1] ?? "";
  return {
    namespace,
    name,
    host,
    family: pick(["IPv4", "IPv4", "IPv6"] as const),
    ports: pick([{ http: 80 }, { http: 81 }, {}]),
    endpoints: pick([[1], [1, 2], [1, 2, 3]] as const).map((n) => ({
      address: `10.1.0.${n}`,
      isLeaving: pick([false, false, true]),
      ...pick([{}, { pod: `${namespace}/${pick(WORKLOADS)}` }, { pod: `${namespace}/${pick(WORKLOADS)}` }]),
    })),
  };
}

/** One random change of one object, as the store would make it. */
function mutate(snapshot: Snapshot, random: () => number): Snapshot {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const set = <V>(map: ReadonlyMap<string, V>, key: string, value: V | undefined): ReadonlyMap<string, V> => {
    const copy = new Map(map);
    if (value === undefined) copy.delete(key);
    else copy.set(key, value);
    return copy;
  };
  const randomVersion = (name: string) =>
    mkServed(name, {
      version: `v${Math.floor(random() * 5)}`,
      manifest: mkManifest(name, {
        side: pick(["client", "server", "both"] as const),
        phase: pick(["authz", "default"] as const),
        requires: pick([[], ["subsetRoutes"], ["retryBackoff"]] as const),
        metrics: random() < 0.3 ? [{ name: "m", type: "counter", labels: { code: "%RESPONSE_CODE%" } }] : [],
      }),
    });
  /** A new version on its way, or one that goes on, ends, goes back, is replaced, or gets its bytes. */
  const nextOfRollout = (name: string, { rollout, ...state }: ModuleState): ModuleState => {
    const limit = Math.floor(random() * 101);
    if (rollout === undefined) return { ...state, rollout: { candidate: randomVersion(name), limit } };
    const { wasm, ...bare } = rollout.candidate;
    switch (pick(["on", "end", "back", "replace", "bytes"])) {
      case "on":
        return { ...state, rollout: { ...rollout, limit } };
      case "end":
        return { kind: "ready", served: rollout.candidate };
      case "back":
        return state;
      case "replace":
        return { ...state, rollout: { candidate: randomVersion(name), limit } };
      default:
        return { ...state, rollout: { ...rollout, candidate: wasm === undefined ? { ...bare, wasm: WASM } : bare } };
    }
  };
  const gone = random() < 0.2;
  const app = pick(APPS);
  switch (
    pick([
      "service",
      "workload",
      "slices",
      "slices",
      "rule",
      "virtual",
      "peer",
      "authorization",
      "authentication",
      "plugin",
      "module",
      "rollout",
      "trust",
      "telemetry",
      "mesh",
      "route",
      "grant",
      "sidecar",
      "scope",
      "handover",
    ])
  ) {
    case "handover": {
      if (snapshot.workloads.size === 0) return snapshot;
      const [key, workload] = pick([...snapshot.workloads]);
      const joining = servedPorts(snapshot, workload).flatMap((served) =>
        random() < 0.5 ? [[servedPortId(served), served] as const] : [],
      );
      const leaving = Array.from({ length: Math.floor(random() * 3) }, (): Leaving => {
        const service = mkService(app, {
          ports: [{ name: "http", port: pick([8080, 8081]), targetPort: 80, protocol: pick(["http", "tcp", "auto"]) }],
        });
        const was = { ...workload, labels: { app: pick(APPS), tier: "x", version: pick(["v1", "v2"]) } };
        const served = { workload: was, service, port: service.ports[0]! };
        return { ...served, id: servedPortId(served), phase: pick(["announced", "told", "draining"]) };
      });
      const handover: Handover = { joining: new Map(joining), leaving };
      return { ...snapshot, handovers: set(snapshot.handovers, key, gone ? undefined : handover) };
    }
    case "service": {
      const ports = [
        {
          name: "http",
          port: pick([8080, 8081]),
          targetPort: 80,
          ...(random() < 0.3 && { targetPortName: "web" }),
          protocol: pick(["http", "http2", "tls", "tcp", "auto"] as const),
        },
      ];
      const service = mkService(app, {
        namespace: pick(["default", "default", "other"]),
        ports,
        selector: pick([{ app }, { tier: "x" }]),
        exportTo: pick([["*"], ["*"], ["default"], ["other"]]),
        ...pick(RESOLUTIONS),
      });
      return { ...snapshot, services: set(snapshot.services, service.host, gone ? undefined : service) };
    }
    case "workload": {
      const name = pick(WORKLOADS);
      const workload = mkWorkload(name, {
        address: `127.0.1.${1 + Math.floor(random() * 200)}`,
        labels: { app: pick(APPS), tier: pick(["x", "y"]), version: pick(["v1", "v2"]) },
        serviceAccount: pick(["a", "b"]),
        hasSidecar: random() < 0.8,
        ...pick([{}, { interception: "redirect", capturesDns: random() < 0.7 }, randomPod(pick)] as const),
        namespace: pick(["default", "default", "other"]),
        ...(random() < 0.7 && { locality: pick(["eu/a", "eu/b/1", "us"]) }),
      });
      return { ...snapshot, workloads: set(snapshot.workloads, objectKey(workload), gone ? undefined : workload) };
    }
    case "slices": {
      const host = serviceHost(app, pick(["default", "default", "other"]));
      const slices = Array.from({ length: 1 + Math.floor(random() * 2) }, (_, i) => randomSlice(host, `s${i}`, pick));
      return { ...snapshot, endpointSlices: set(snapshot.endpointSlices, host, gone ? undefined : slices) };
    }
    case "rule": {
      const rule = randomDestinationRule(pick, random, APPS);
      return {
        ...snapshot,
        destinationRules: set(snapshot.destinationRules, objectKey(rule), gone ? undefined : rule),
      };
    }
    case "virtual": {
      const destinations = [{ host: serviceHost(pick(APPS), "default"), weight: 1 }];
      const match = { destinationSubnets: [], ...(random() < 0.5 ? { sourceLabels: { version: "v1" } } : {}) };
      const virtual: VirtualService = {
        ...(random() < 0.3
          ? mkVirtualService(app, pick([{ v1: 100 }, { v1: 90, v2: 10 }]))
          : randomVirtualService(app, APPS, pick)),
        ...(random() < 0.5 ? { tcp: [{ matches: [match], destinations }] } : {}),
        ...(random() < 0.5 ? { tls: [{ matches: [{ ...match, sniHosts: ["a.example"] }], destinations }] } : {}),
      };
      return {
        ...snapshot,
        virtualServices: set(snapshot.virtualServices, `default/${app}`, gone ? undefined : virtual),
      };
    }
    case "peer": {
      const namespace = pick(["default", "weft-system"]);
      const policy: PeerAuthentication = {
        namespace,
        name: "p",
        mode: pick(["STRICT", "PERMISSIVE", "DISABLE"] as const),
        ...(random() < 0.5 ? { selector: { app } } : {}),
        ...(random() < 0.3 ? { ports: { [pick([80, 18080])]: pick(["STRICT", "DISABLE"] as const) } } : {}),
      };
      return {
        ...snapshot,
        peerAuthentications: set(snapshot.peerAuthentications, `${namespace}/p`, gone ? undefined : policy),
      };
    }
    case "route": {
      const kind = pick(["HTTPRoute", "GRPCRoute"] as const);
      const namespace = pick(["default", "other"]);
      const name = pick(ROUTE_NAMES);
      const plain = mkGatewayRoute(name, app, { [pick(APPS)]: 1, nobody: 1 }, { kind, namespace });
      const mirror = {
        kind: "Service",
        namespace: pick(["default", "other"]),
        name: pick([...APPS, "nobody"]),
        port: pick([8080, 8081]),
        percentage: 50,
      };
      const mirrors = random() < 0.6 ? [mirror] : [];
      const route: GatewayRoute = { ...plain, rules: plain.rules.map((rule) => ({ ...rule, mirrors })) };
      const field = kind === "HTTPRoute" ? "httpRoutes" : "grpcRoutes";
      return { ...snapshot, [field]: set(snapshot[field], `${namespace}/${name}`, gone ? undefined : route) };
    }
    case "grant": {
      const grant: ReferenceGrant = {
        namespace: "default",
        name: "g",
        from: [{ kind: pick(["HTTPRoute", "GRPCRoute"]), namespace: "other" }],
        to: [{ kind: "Service", ...(random() < 0.5 ? { name: app } : {}) }],
      };
      return { ...snapshot, referenceGrants: set(snapshot.referenceGrants, "default/g", gone ? undefined : grant) };
    }
    case "sidecar": {
      const sidecar = randomSidecar(pick, random, APPS);
      return { ...snapshot, sidecars: set(snapshot.sidecars, objectKey(sidecar), gone ? undefined : sidecar) };
    }
    case "scope": {
      const mesh = snapshot.meshConfigs.get("weft-system/default") ?? mkMeshConfig();
      const scoped: MeshConfig = {
        ...mesh,
        scope: { maxServices: pick([0, 1, 2, 500]) },
        outbound: pick(["ALLOW_ANY", "REGISTRY_ONLY"] as const),
      };
      return { ...snapshot, meshConfigs: set(snapshot.meshConfigs, "weft-system/default", scoped) };
    }
    case "telemetry": {
      const namespace = pick(["default", "weft-system"]);
      const telemetry: Telemetry = {
        namespace,
        name: "t",
        ...(random() < 0.5 ? { selector: { app } } : {}),
        accessLogging: random() < 0.5 ? [] : [{ providers: [], mode: pick(["on", "errors", "off"] as const) }],
        tracing: random() < 0.5 ? [] : [{ providers: [pick(["zipkin", "otel", "nobody"])], tags: {} }],
      };
      return { ...snapshot, telemetries: set(snapshot.telemetries, `${namespace}/t`, gone ? undefined : telemetry) };
    }
    case "mesh": {
      const server = (): TelemetryServer => ({
        host: pick([`${app}.default`, "example.com"]),
        port: pick([8080, 9411]),
        protocol: pick(["http", "http2"] as const),
        ...(random() < 0.3 ? { tls: {} } : {}),
      });
      const mesh = mkMeshConfig({
        outbound: pick(["ALLOW_ANY", "REGISTRY_ONLY"] as const),
        telemetry: {
          providers: [
            { kind: "zipkin", name: "zipkin", server: server(), path: "/" },
            { kind: "openTelemetry", name: "otel", server: server() },
          ],
          accessLog: { mode: pick(["on", "off"] as const), providers: [pick(["stdout", "otel"])] },
          tracing: { providers: random() < 0.5 ? [] : ["zipkin"], samplingPercentage: pick([1, 100]), tags: {} },
        },
      });
      return { ...snapshot, meshConfigs: set(snapshot.meshConfigs, "weft-system/default", gone ? undefined : mesh) };
    }
    case "authorization": {
      const namespace = pick(["default", "weft-system"]);
      const name = pick(["p", "q"]);
      const ports = random() < 0.5 ? [] : [pick([80, 18080])];
      const policy: AuthorizationPolicy = {
        namespace,
        name,
        action: pick(["ALLOW", "DENY", "AUDIT"] as const),
        dryRun: random() < 0.2,
        ...(random() < 0.5 ? { selector: { app } } : {}),
        ...(random() < 0.2 ? { targetServices: [pick(APPS)] } : {}),
        rules: [
          {
            from: [],
            to: ports.length === 0 ? [] : [[{ attribute: "destination.port", values: ports, notValues: [] }]],
            when: [
              { attribute: "request.path", values: [{ kind: "exact", value: pick(["/a", "/b"]) }], notValues: [] },
            ],
          },
        ],
      };
      const key = `${namespace}/${name}`;
      return {
        ...snapshot,
        authorizationPolicies: set(snapshot.authorizationPolicies, key, gone ? undefined : policy),
      };
    }
    case "authentication": {
      const namespace = pick(["default", "weft-system"]);
      const host = pick(["backend", "auth", "nobody", "issuer.example"]);
      const remote = { uri: `http://${host}:8080/`, tls: random() < 0.5, host, port: 8080, timeoutMs: 5000 };
      const authentication: RequestAuthentication = {
        namespace,
        name: "p",
        ...(random() < 0.5 ? { selector: { app } } : {}),
        ...(random() < 0.2 ? { targetServices: [pick(APPS)] } : {}),
        rules: [
          {
            issuer: pick(["one", "two"]),
            audiences: [],
            keys: random() < 0.3 ? { kind: "inline", jwks: "{}" } : { kind: "remote", ...remote },
            fromHeaders: [],
            fromParams: [],
            fromCookies: [],
            outputClaimToHeaders: [],
            forwardOriginalToken: false,
            spaceDelimitedClaims: [],
          },
        ],
      };
      const key = `${namespace}/p`;
      return {
        ...snapshot,
        requestAuthentications: set(snapshot.requestAuthentications, key, gone ? undefined : authentication),
      };
    }
    case "plugin": {
      const name = pick(["one", "two"]);
      const plugin = mkPlugin(name, {
        priority: Math.floor(random() * 3),
        ...(random() < 0.5 ? { selector: { app } } : {}),
        ...(random() < 0.5 ? { phase: pick(["authn", "stats"] as const) } : {}),
        failStrategy: pick(["FAIL_CLOSE", "FAIL_OPEN"] as const),
        ...(random() < 0.3 ? { type: "network" } : {}),
        ...pick([
          {},
          { targetServices: [pick(APPS)] },
          { targetRoutes: [ROUTES, [pick(ROUTES)], [pick(ROUTES)]][Math.floor(random() * 3)] ?? [] },
        ]),
        callouts: random() < 0.5 ? [] : [callout(pick(["backend", "auth", "nobody", "example.com", "127.0.0.1"]))],
      });
      return { ...snapshot, plugins: set(snapshot.plugins, `default/${name}`, gone ? undefined : plugin) };
    }
    case "module": {
      const name = pick(["one", "two"]);
      const state: ModuleState = { kind: "ready", served: randomVersion(name) };
      return { ...snapshot, modules: set(snapshot.modules, `default/${name}`, gone ? undefined : state) };
    }
    case "rollout": {
      const name = pick(["one", "two"]);
      const state = snapshot.modules.get(`default/${name}`);
      if (state === undefined) return snapshot;
      return { ...snapshot, modules: set(snapshot.modules, `default/${name}`, nextOfRollout(name, state)) };
    }
    default:
      return { ...snapshot, trustBundle: pick(["one", "two"]) };
  }
}

function contents(view: ResourceView): Record<string, string> {
  return Object.fromEntries(
    RESOURCE_TYPES.flatMap((type) =>
      [...view.names(type)].map((name) => [`${type} ${name}`, view.get(type, name)?.version ?? "?"]),
    ),
  );
}

/** A translation, and how often it selected and built. */
function createCounted(base: Snapshot) {
  const counts = { select: 0, build: 0 };
  const incremental = createIncrementalTranslation(base, {
    select: (...input) => {
      counts.select += 1;
      return select(...input);
    },
    build: (...input) => {
      counts.build += 1;
      return build(...input);
    },
  });
  return { incremental, counts };
}

describe("incremental translation", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("gives what a full translation gives, and names every change (seed %i)", (seed) => {
    const random = mulberry(seed);
    let snapshot: Snapshot = emptySnapshot(settings, "one");
    for (const name of WORKLOADS)
      snapshot = {
        ...snapshot,
        workloads: new Map(snapshot.workloads).set(`default/${name}`, mkWorkload(name)),
      };
    const incremental = createIncrementalTranslation(snapshot);
    const views = new Map<string, ResourceView>();
    const clients = new Map<string, ProxyClient>();
    const known = new Map<string, Record<string, string>>();
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const attach = (key: string) => {
      const protocol = random() < 0.2 ? "state-of-the-world" : "incremental";
      const view = incremental.attach(key, protocol);
      if (view === undefined) return;
      views.set(key, view);
      clients.set(key, protocol === "incremental" ? { kind: protocol, demanded: new Set() } : { kind: protocol });
      known.set(key, contents(view));
    };
    /** A proxy asks for clusters, and gets at once what it may have of them. */
    const demand = (key: string) => {
      const names = randomDemand(pick, random, APPS);
      const client = clients.get(key);
      incremental.demand(key, names);
      if (client?.kind === "incremental" && snapshot.workloads.has(key))
        clients.set(key, { kind: "incremental", demanded: withDemanded(client.demanded, names) });
    };
    for (const name of WORKLOADS) attach(`default/${name}`);

    for (let round = 0; round < 150; round++) {
      const changes = 1 + Math.floor(random() * 3);
      for (let i = 0; i < changes; i++) snapshot = mutate(snapshot, random);
      const changed = incremental.apply(snapshot);
      for (const [key, view] of views) {
        const client = clients.get(key);
        const workload = snapshot.workloads.get(key);
        if (workload === undefined) {
          // Its stream would end; a later one attaches anew.
          expect(contents(view), `${key} keeps what it had in round ${round}`).toEqual(known.get(key));
          incremental.detach(key);
          views.delete(key);
          continue;
        }
        const full = Object.fromEntries(
          translate(snapshot, { key, workload, ...(client && { client }) }).map((r) => [
            `${r.type} ${r.name}`,
            r.version,
          ]),
        );
        const now = contents(view);
        expect(now, `${key} in round ${round}`).toEqual(full);
        const before = known.get(key) ?? {};
        for (const id of new Set([...Object.keys(before), ...Object.keys(now)])) {
          if (before[id] === now[id]) continue;
          const [type, name] = id.split(" ") as [(typeof RESOURCE_TYPES)[number], string];
          expect(changed.get(key)?.get(type)?.has(name), `${id} of ${key} is named in round ${round}`).toBe(true);
        }
        demand(key);
        known.set(key, contents(view));
      }
      for (const key of snapshot.workloads.keys()) if (!views.has(key)) attach(key);
    }
  });

  it("names nothing for a change that changes nothing", () => {
    const base: Snapshot = {
      ...emptySnapshot(settings, "one"),
      services: new Map([[mkService("backend").host, mkService("backend")]]),
      workloads: new Map([["default/backend", mkWorkload("backend")]]),
    };
    const incremental = createIncrementalTranslation(base);
    const view = incremental.attach("default/backend");
    expect([...(view?.names("cluster") ?? [])].map((name) => view?.get("cluster", name)?.version)).toHaveLength(2);
    const same = { ...base, services: new Map([[mkService("backend").host, mkService("backend")]]) };
    expect(incremental.apply(same).size).toBe(0);
  });

  it("builds what concerns one service, and selects nothing, when an endpoint of one of 1,000 services changes", () => {
    const services = Array.from({ length: 1_000 }, (_, i) => mkService(`s${i}`));
    const callers = Array.from({ length: 50 }, (_, i) => mkWorkload(`caller${i}`, { labels: { app: "caller" } }));
    const servers = services.map(({ name }) => mkWorkload(name, { hasSidecar: false }));
    const base: Snapshot = {
      ...emptySnapshot(settings, "one"),
      services: new Map(services.map((service) => [service.host, service])),
      workloads: new Map([...callers, ...servers].map((workload) => [objectKey(workload), workload])),
      meshConfigs: new Map([["weft-system/default", mkMeshConfig({ scope: { maxServices: 1_000 } })]]),
    };
    const { incremental, counts } = createCounted(base);
    for (const { namespace, name } of callers) {
      const view = incremental.attach(objectKey({ namespace, name }));
      for (const type of ["cluster", "endpoints"] as const)
        for (const each of view?.names(type) ?? []) view?.get(type, each);
    }
    // The clusters and endpoints of all are built once for all callers.
    expect(counts).toEqual({ select: 50, build: 2_000 });
    const moved = mkWorkload("s7", { hasSidecar: false, address: "127.0.1.77" });
    const changed = incremental.apply({ ...base, workloads: new Map(base.workloads).set(objectKey(moved), moved) });
    expect(counts.select).toBe(50);
    // The cluster is built too, because the identities behind it might be others; it comes out as it was.
    expect(counts.build).toBe(2_002);
    expect(changed.size).toBe(50);
    for (const names of changed.values())
      expect(names).toEqual(new Map([["endpoints", new Set(["outbound|8080||s7.default.svc.cluster.local"])]]));
  });

  it("does the same when an EndpointSlice of one of 1,000 services changes", () => {
    const services = Array.from({ length: 1_000 }, (_, i) => mkService(`s${i}`));
    const sliceOf = ({ name, host }: Service, address: string): readonly EndpointSlice[] => [
      {
        ...{ namespace: "default", name, host, family: "IPv4", ports: { http: 8080 } },
        endpoints: [{ address, isLeaving: false }],
      },
    ];
    const base: Snapshot = {
      ...emptySnapshot(settings, "one"),
      services: new Map(services.map((service) => [service.host, service])),
      endpointSlices: new Map(services.map((service) => [service.host, sliceOf(service, "10.0.0.1")])),
      workloads: new Map([["default/caller", mkWorkload("caller", { interception: "redirect" })]]),
      meshConfigs: new Map([["weft-system/default", mkMeshConfig({ scope: { maxServices: 1_000 } })]]),
    };
    const { incremental, counts } = createCounted(base);
    const view = incremental.attach("default/caller");
    for (const type of ["cluster", "endpoints", "listener"] as const)
      for (const each of view?.names(type) ?? []) view?.get(type, each);
    const before = { ...counts };
    const { host } = services[7] as Service;
    const endpointSlices = new Map(base.endpointSlices).set(host, sliceOf(services[7] as Service, "10.0.0.2"));
    const changed = incremental.apply({ ...base, endpointSlices });
    expect(counts).toEqual({ select: before.select, build: before.build + 2 });
    expect([...changed]).toEqual([["default/caller", new Map([["endpoints", new Set([`outbound|8080||${host}`])]])]]);
  });
});
