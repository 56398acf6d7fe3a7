import { describe, expect, it } from "vitest";
import {
  mkDestinationRule,
  mkManifest,
  mkPlugin,
  mkService,
  mkVirtualService,
  mkWorkload,
  ready,
  settings,
} from "../../../test/builders.js";
import type { PeerAuthentication } from "../model/peer-authentication.js";
import { RESOURCE_TYPES, type ResourceView } from "../model/resource.js";
import { emptySnapshot, type Snapshot } from "../model/snapshot.js";
import { createIncrementalTranslation } from "./incremental.js";
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

const APPS = ["frontend", "backend", "auth"];
const WORKLOADS = APPS.flatMap((app) => [`${app}-1`, `${app}-2`]);

/** One random change of one object, as the store would make it. */
function mutate(snapshot: Snapshot, random: () => number): Snapshot {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const set = <V>(map: ReadonlyMap<string, V>, key: string, value: V | undefined): ReadonlyMap<string, V> => {
    const copy = new Map(map);
    if (value === undefined) copy.delete(key);
    else copy.set(key, value);
    return copy;
  };
  const gone = random() < 0.2;
  const app = pick(APPS);
  switch (pick(["service", "workload", "rule", "virtual", "peer", "plugin", "module", "trust"])) {
    case "service": {
      const ports = [
        { name: "http", port: pick([8080, 8081]), targetPort: 80, protocol: pick(["http", "http2", "tcp"] as const) },
      ];
      const service = mkService(app, { ports, selector: pick([{ app }, { tier: "x" }]) });
      return { ...snapshot, services: set(snapshot.services, service.host, gone ? undefined : service) };
    }
    case "workload": {
      const name = pick(WORKLOADS);
      const workload = mkWorkload(name, {
        address: `127.0.1.${1 + Math.floor(random() * 200)}`,
        labels: { app: pick(APPS), tier: pick(["x", "y"]), version: pick(["v1", "v2"]) },
        serviceAccount: pick(["a", "b"]),
        hasSidecar: random() < 0.8,
      });
      return { ...snapshot, workloads: set(snapshot.workloads, `default/${name}`, gone ? undefined : workload) };
    }
    case "rule": {
      const rule = mkDestinationRule(app, pick([[], ["v1"], ["v1", "v2"]]));
      return {
        ...snapshot,
        destinationRules: set(snapshot.destinationRules, `default/${app}`, gone ? undefined : rule),
      };
    }
    case "virtual": {
      const virtual = mkVirtualService(app, pick([{ v1: 100 }, { v1: 90, v2: 10 }]));
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
      };
      return {
        ...snapshot,
        peerAuthentications: set(snapshot.peerAuthentications, `${namespace}/p`, gone ? undefined : policy),
      };
    }
    case "plugin": {
      const name = pick(["one", "two"]);
      const plugin = mkPlugin(name, {
        priority: Math.floor(random() * 3),
        ...(random() < 0.5 ? { selector: { app } } : {}),
        ...(random() < 0.5 ? { phase: pick(["authn", "stats"] as const) } : {}),
        failStrategy: pick(["FAIL_CLOSE", "FAIL_OPEN"] as const),
      });
      return { ...snapshot, plugins: set(snapshot.plugins, `default/${name}`, gone ? undefined : plugin) };
    }
    case "module": {
      const name = pick(["one", "two"]);
      const state = ready(name, {
        version: `v${Math.floor(random() * 5)}`,
        manifest: mkManifest(name, {
          side: pick(["client", "server", "both"] as const),
          phase: pick(["authz", "default"] as const),
          requires: pick([[], ["subsetRoutes"], ["retryBackoff"]] as const),
          metrics: random() < 0.3 ? [{ name: "m", type: "counter", labels: { code: "%RESPONSE_CODE%" } }] : [],
        }),
      });
      return { ...snapshot, modules: set(snapshot.modules, `default/${name}`, gone ? undefined : state) };
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
    const known = new Map<string, Record<string, string>>();
    const attach = (key: string) => {
      const view = incremental.attach(key);
      if (view === undefined) return;
      views.set(key, view);
      known.set(key, contents(view));
    };
    for (const name of WORKLOADS) attach(`default/${name}`);

    for (let round = 0; round < 150; round++) {
      const changes = 1 + Math.floor(random() * 3);
      for (let i = 0; i < changes; i++) snapshot = mutate(snapshot, random);
      const changed = incremental.apply(snapshot);
      for (const [key, view] of views) {
        const workload = snapshot.workloads.get(key);
        if (workload === undefined) {
          // Its stream would end; a later one attaches anew.
          expect(contents(view), `${key} keeps what it had in round ${round}`).toEqual(known.get(key));
          incremental.detach(key);
          views.delete(key);
          continue;
        }
        const full = Object.fromEntries(
          translate(snapshot, { key, workload }).map((r) => [`${r.type} ${r.name}`, r.version]),
        );
        const now = contents(view);
        expect(now, `${key} in round ${round}`).toEqual(full);
        const before = known.get(key) ?? {};
        for (const id of new Set([...Object.keys(before), ...Object.keys(now)])) {
          if (before[id] === now[id]) continue;
          const [type, name] = id.split(" ") as [(typeof RESOURCE_TYPES)[number], string];
          expect(changed.get(key)?.get(type)?.has(name), `${id} of ${key} is named in round ${round}`).toBe(true);
        }
        known.set(key, now);
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
});
