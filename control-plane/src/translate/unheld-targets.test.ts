import { describe, expect, it } from "vitest";
import {
  mkDestinationRule,
  mkGatewayRoute,
  mkMeshConfig,
  mkService,
  mkVirtualService,
  mkWorkload,
  settings,
} from "../../../test/builders.js";
import { objectKey } from "../model/object-ref.js";
import type { Service } from "../model/service.js";
import { emptySnapshot, type Snapshot } from "../model/snapshot.js";
import type { VirtualService } from "../model/virtual-service.js";
import type { Workload } from "../model/workload.js";
import { select } from "./select.js";

const SERVICES: readonly Service[] = [
  mkService("called"),
  mkService("copy"),
  mkService("hidden", { exportTo: ["elsewhere"] }),
  mkService("two", {
    ports: [
      { name: "http", port: 8080, targetPort: 80, protocol: "http" },
      { name: "http2", port: 8081, targetPort: 81, protocol: "http2" },
    ],
  }),
];
const host = (name: string) => `${name}.default.svc.cluster.local`;
const cluster = (name: string, subset = "", port = 8080) => `outbound|${port}|${subset}|${host(name)}`;

const BASE: Snapshot = {
  ...emptySnapshot(settings, "one"),
  services: new Map(SERVICES.map((service) => [service.host, service])),
  // Nothing of namespace default is in the scope of others.
  meshConfigs: new Map([["weft-system/default", mkMeshConfig({ scope: { maxServices: 0 } })]]),
};

function clustersOf(snapshot: Partial<Snapshot>, over: Partial<Workload> = {}): readonly string[] {
  const workload = mkWorkload("caller", { namespace: "shop", labels: { app: "caller" }, ...over });
  const { unheld } = select(
    { ...BASE, ...snapshot },
    { key: objectKey(workload), workload, client: { kind: "incremental", demanded: new Set() } },
  );
  const names = [...(unheld.get("cluster")?.keys() ?? [])];
  expect([...(unheld.get("endpoints")?.keys() ?? [])]).toEqual(names);
  return names;
}

function rules(over: Partial<VirtualService>): Partial<Snapshot> {
  return { virtualServices: new Map([["default/called", { ...mkVirtualService("called", {}), ...over }]]) };
}

/** A rule that sends copies to these. */
const mirroring = (
  ...mirrors: NonNullable<Extract<VirtualService["http"][number], { action: unknown }>["mirrors"]>
): VirtualService["http"][number] => ({
  matches: [],
  mirrors,
  action: { kind: "forward", destinations: [{ host: host("called"), weight: 1 }] },
});

describe("what no request waits for", () => {
  it("is nothing where rules only forward", () => {
    expect(
      clustersOf({ virtualServices: new Map([["default/called", mkVirtualService("called", { v1: 1 })]]) }),
    ).toEqual([]);
  });

  it("is the clusters of mirrors", () => {
    expect(clustersOf(rules({ http: [mirroring({ host: host("copy"), percentage: 1 })] }))).toEqual([cluster("copy")]);
  });

  it("is the one subset that a mirror names, where callers have it", () => {
    const mirrored = rules({ http: [mirroring({ host: host("copy"), subset: "v1", percentage: 1 })] });
    expect(clustersOf(mirrored)).toEqual([]);
    const destinationRules = new Map([["default/copy", mkDestinationRule("copy", ["v1", "v2"])]]);
    expect(clustersOf({ ...mirrored, destinationRules })).toEqual([cluster("copy", "v1")]);
  });

  it("is the port that a mirror names, else any that may have been called", () => {
    const to = (port?: number) =>
      clustersOf(
        rules({ http: [mirroring({ host: host("two"), percentage: 1, ...(port !== undefined && { port }) })] }),
      );
    expect(to(8081)).toEqual([cluster("two", "", 8081)]);
    expect(to()).toEqual([cluster("two"), cluster("two", "", 8081)]);
  });

  it("is not what callers may not reach, nor what others' rules name", () => {
    expect(clustersOf(rules({ http: [mirroring({ host: host("hidden"), percentage: 1 })] }))).toEqual([]);
    const http = [mirroring({ host: host("copy"), percentage: 1 })];
    expect(clustersOf(rules({ http, exportTo: ["elsewhere"] }))).toEqual([]);
    expect(clustersOf(rules({ http, exportTo: ["shop"] }))).toEqual([cluster("copy")]);
  });

  it("follows what rules ask of callers", () => {
    const asking = {
      ...mirroring({ host: host("copy"), percentage: 1 }),
      matches: [{ headers: [], queryParams: [], sourceLabels: { tier: "x" } }],
    };
    expect(clustersOf(rules({ http: [asking] }))).toEqual([]);
    expect(clustersOf(rules({ http: [asking] }), { labels: { tier: "x" } })).toEqual([cluster("copy")]);
  });

  it("is where rules for TCP and TLS send connections", () => {
    const destinations = [
      { host: host("copy"), weight: 1 },
      { host: host("two"), port: 8081, weight: 1 },
    ];
    const all = [cluster("copy"), cluster("two", "", 8081)];
    expect(clustersOf(rules({ http: [], tcp: [{ matches: [], destinations }] }))).toEqual(all);
    const tls = [{ matches: [{ destinationSubnets: [], sniHosts: ["a.example"] }], destinations }];
    expect(clustersOf(rules({ http: [], tls }))).toEqual(all);
  });

  it("is mirrors of Gateway API's routes, of the Service's namespace for all and of others for their own", () => {
    const routes = (namespace: string, mirrored: string) => {
      const plain = mkGatewayRoute("r", "called", { called: 1 }, { namespace });
      const mirrors = [{ kind: "Service", namespace: "default", name: mirrored, port: 8080, percentage: 1 }];
      const route = { ...plain, rules: plain.rules.map((rule) => ({ ...rule, mirrors })) };
      return { httpRoutes: new Map([[`${namespace}/r`, route]]) };
    };
    expect(clustersOf(routes("default", "copy"))).toEqual([cluster("copy")]);
    expect(clustersOf(routes("default", "nobody"))).toEqual([]);
    // A route of another namespace needs a grant.
    expect(clustersOf(routes("shop", "copy"))).toEqual([]);
    const grant = {
      namespace: "default",
      name: "g",
      from: [{ kind: "HTTPRoute", namespace: "shop" }],
      to: [{ kind: "Service" }],
    };
    const referenceGrants = new Map([["default/g", grant]]);
    expect(clustersOf({ ...routes("shop", "copy"), referenceGrants })).toEqual([cluster("copy")]);
    expect(clustersOf({ ...routes("shop", "copy"), referenceGrants }, { namespace: "third" })).toEqual([]);
  });
});
