import { describe, expect, it } from "vitest";
import { mkPlugin, mkServed, mkService, mkWorkload } from "../../../test/builders.js";
import { calloutTarget } from "./callout.js";
import { canonicalJson, compareStrings, sortedEntries } from "./compare.js";
import { type Diagnostic, formatDiagnostic } from "./diagnostic.js";
import { type ModuleState, servedPlugin } from "./module-state.js";
import { type MtlsMode, mtlsModeFor, type PeerAuthentication } from "./peer-authentication.js";
import { attachesTo, matchesTraffic, type TrafficSelector, targetsAny } from "./plugin.js";
import { RESOURCE_TYPES, resourceTypeOf, TYPE_URLS } from "./resource.js";
import { matchesLabels } from "./selector.js";
import { resolveHost } from "./service.js";

const ROOT = "weft-system";

describe("mtlsModeFor", () => {
  const policy = (namespace: string, mode?: MtlsMode, over: Partial<PeerAuthentication> = {}): PeerAuthentication => ({
    namespace,
    name: "p",
    ...(mode === undefined ? {} : { mode }),
    ...over,
  });
  const app = { selector: { app: "a" } };
  const workload = mkWorkload("a", { labels: { app: "a" } });

  it.each<[string, PeerAuthentication[], MtlsMode]>([
    ["nothing is said", [], "PERMISSIVE"],
    ["the mesh says it", [policy(ROOT, "STRICT")], "STRICT"],
    ["the namespace says it", [policy(ROOT, "STRICT"), policy("default", "DISABLE")], "DISABLE"],
    ["the workload's own says it", [policy("default", "DISABLE"), policy("default", "STRICT", app)], "STRICT"],
    ["a mesh-wide selector says it", [policy("default", "DISABLE"), policy(ROOT, "STRICT", app)], "STRICT"],
    [
      "the workload's own wins over a mesh-wide selector",
      [policy(ROOT, "STRICT", app), policy("default", "DISABLE", app)],
      "DISABLE",
    ],
    ["another namespace says something", [policy("other", "STRICT"), policy("other", "STRICT", app)], "PERMISSIVE"],
    ["a selector is for others", [policy("default", "STRICT", { selector: { app: "b" } })], "PERMISSIVE"],
    ["the narrower one leaves it to the wider", [policy("default"), policy(ROOT, "STRICT")], "STRICT"],
    [
      "two say it, and the first by name decides",
      [policy("default", "STRICT", { name: "b" }), policy("default", "DISABLE", { name: "a" })],
      "DISABLE",
    ],
    ["its port says it", [policy("default", "STRICT", { ...app, ports: { 80: "DISABLE" } })], "DISABLE"],
    ["another port says something", [policy("default", "STRICT", { ...app, ports: { 81: "DISABLE" } })], "STRICT"],
    [
      "its port alone says it",
      [policy("default", undefined, { ...app, ports: { 80: "STRICT" } }), policy(ROOT, "DISABLE")],
      "STRICT",
    ],
    [
      "a wider policy names the port",
      [policy("default", "STRICT", app), policy(ROOT, undefined, { ...app, ports: { 80: "DISABLE" } })],
      "STRICT",
    ],
  ])("when %s", (_name, policies, expected) => {
    expect(mtlsModeFor(workload, 80, policies, ROOT)).toBe(expected);
    expect(mtlsModeFor(workload, 80, policies.toReversed(), ROOT)).toBe(expected);
  });
});

describe("plugins", () => {
  it.each<[object, boolean]>([
    [{}, true],
    [{ namespace: "other" }, false],
    [{ namespace: ROOT }, true],
    [{ selector: { app: "a" } }, true],
    [{ selector: { app: "b" } }, false],
    [{ selector: {} }, true],
    [{ namespace: ROOT, selector: { app: "b" } }, false],
    [{ targetServices: ["a"] }, true],
    [{ namespace: ROOT, targetServices: ["a"] }, false],
  ])("%j attaches: %s", (over, expected) => {
    expect(attachesTo(mkPlugin("p", over), mkWorkload("a"), ROOT)).toBe(expected);
  });

  const CLIENT: TrafficSelector = { mode: "CLIENT", ports: [] };
  it.each<[TrafficSelector[], string]>([
    [[], "client 1, client 2, server 1, server 2"],
    [[CLIENT], "client 1, client 2"],
    [[{ mode: "SERVER", ports: [1] }], "server 1"],
    [[{ mode: "CLIENT_AND_SERVER", ports: [2] }], "client 2, server 2"],
    [[CLIENT, { mode: "SERVER", ports: [2, 3] }], "client 1, client 2, server 2"],
  ])("with match %j take %s", (match, expected) => {
    const plugin = mkPlugin("p", { match });
    const taken = (["client", "server"] as const).flatMap((direction) =>
      [1, 2].filter((port) => matchesTraffic(plugin, direction, port)).map((port) => `${direction} ${port}`),
    );
    expect(taken.join(", ")).toBe(expected);
  });
});

describe("calloutTarget", () => {
  const services = new Map(
    ["backend.default", "b.a"].map((name) => {
      const [short = "", namespace = ""] = name.split(".");
      const service = mkService(short, { namespace });
      return [service.host, service] as const;
    }),
  );
  it.each([
    ["backend", 8080, "service"],
    ["backend.default", 8080, "service"],
    ["backend.default.svc", 8080, "service"],
    ["backend.default.svc.cluster.local", 8080, "service"],
    ["b.a", 8080, "service"],
    ["backend", 81, "missing"],
    ["nobody", 8080, "missing"],
    ["nobody.default.svc", 8080, "missing"],
    ["nobody.default.svc.cluster.local", 8080, "missing"],
    ["localhost", 8080, "dns"],
    ["example.com", 8080, "dns"],
    ["api.example.com", 8080, "dns"],
    ["127.0.0.1", 8080, "address"],
  ])("of %s, port %i, is a %s", (host, port, expected) => {
    expect(calloutTarget({ host, port }, "default", services).kind).toBe(expected);
  });
});

it.each<[targets: string[] | undefined, string]>([
  [undefined, "client, server"],
  [["shop"], "server"],
  [["other", "shop"], "server"],
  [["other"], ""],
])("a plugin with the targets %j takes %s", (targetServices, expected) => {
  const plugin = mkPlugin("p", targetServices === undefined ? {} : { targetServices });
  const services = [mkService("shop"), mkService("other", { namespace: "elsewhere" })];
  const taken = (["client", "server"] as const).filter((direction) => targetsAny(plugin, services, direction));
  expect(taken.join(", ")).toBe(expected);
});

describe("servedPlugin", () => {
  const served = mkServed("p");
  const failure = { stage: "Resolved", reason: "R", message: "m" } as const;
  it.each<[ModuleState | undefined, boolean]>([
    [undefined, false],
    [{ kind: "pending", message: "" }, false],
    [{ kind: "pending", message: "", lastGood: served }, true],
    [{ kind: "ready", served }, true],
    [{ kind: "failed", failure }, false],
    [{ kind: "failed", failure, lastGood: served }, true],
  ])("of case %#", (state, expected) => {
    expect(servedPlugin(state)).toBe(expected ? served : undefined);
  });
});

it.each([
  ["backend", "backend.shop.svc.cluster.local"],
  ["backend.default", "backend.default.svc.cluster.local"],
  ["backend.default.svc", "backend.default.svc.cluster.local"],
  ["backend.default.svc.cluster.local", "backend.default.svc.cluster.local"],
  ["api.example.com", "api.example.com"],
])("%s, said in namespace shop, is %s", (host, expected) => {
  expect(resolveHost(host, "shop")).toBe(expected);
});

it.each([
  [{}, { app: "a" }, true],
  [{ app: "a" }, { app: "a", version: "v1" }, true],
  [{ app: "a", version: "v1" }, { app: "a" }, false],
  [{ app: "a" }, {}, false],
])("the selector %j matches the labels %j: %s", (selector, labels, expected) => {
  expect(matchesLabels(selector, labels)).toBe(expected);
});

describe("order", () => {
  it("of strings is the same in every locale", () => {
    expect(["b", "a", "Z", "é", "a-b", "a.b"].sort(compareStrings)).toEqual(["Z", "a", "a-b", "a.b", "b", "é"]);
  });

  it("of a map is that of its keys", () => {
    expect(
      sortedEntries(
        new Map([
          ["b", 1],
          ["a", 2],
        ]),
      ),
    ).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
  });

  it("of a JSON text is that of its names, at every depth; lists keep theirs", () => {
    const value = { b: [{ d: 1, c: null }, 2], a: "x" };
    expect(canonicalJson(value)).toBe('{"a":"x","b":[{"c":null,"d":1},2]}');
    expect(canonicalJson({ a: "x", b: [{ c: null, d: 1 }, 2] })).toBe(canonicalJson(value));
    expect(canonicalJson(JSON.parse('{"__proto__":{"b":1,"a":2}}'))).toBe('{"__proto__":{"a":2,"b":1}}');
  });
});

it("types and their URLs go both ways", () => {
  for (const type of RESOURCE_TYPES) expect(resourceTypeOf(TYPE_URLS[type])).toBe(type);
  expect(resourceTypeOf("type.googleapis.com/envoy.config.core.v3.Node")).toBeUndefined();
});

const base: Diagnostic = { severity: "error", reason: "WeightSum", message: "sum is 90", hint: "add 10" };
const object = { kind: "VirtualService", namespace: "default", name: "backend" };
it.each<[Partial<Diagnostic>, string]>([
  [{}, "sum is 90 (WeightSum). Fix: add 10"],
  [{ object }, "VirtualService default/backend: sum is 90 (WeightSum). Fix: add 10"],
  [
    { object, field: "spec.http[0]" },
    "VirtualService default/backend spec.http[0]: sum is 90 (WeightSum). Fix: add 10",
  ],
  [{ object, file: "a.yaml", line: 3 }, "a.yaml:3: VirtualService default/backend: sum is 90 (WeightSum). Fix: add 10"],
  [{ file: "a.yaml" }, "a.yaml: sum is 90 (WeightSum). Fix: add 10"],
])("a diagnostic with %j reads %j", (over, expected) => {
  expect(formatDiagnostic({ ...base, ...over })).toBe(expected);
});
