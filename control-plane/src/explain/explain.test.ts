import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { mkDestinationRule, mkService, mkWorkload, settings } from "../../../test/builders.js";
import { GATEWAY_GROUPS } from "../../../test/routing/gateway-rows.js";
import { GROUPS } from "../../../test/routing/rows.js";
import { decodeObject } from "../decode/decode.js";
import type { MeshObject } from "../model/mesh-object.js";
import type { Snapshot } from "../model/snapshot.js";
import { createStore } from "../store/store.js";
import { explain } from "./explain.js";

function objectsOf(yaml: string): MeshObject[] {
  return parseAllDocuments(yaml).map((document) => {
    const decoded = decodeObject(document.toJS(), { standalone: true });
    if (!decoded.ok) throw new Error(JSON.stringify(decoded.diagnostics));
    return decoded.object;
  });
}

/** The mesh of test/routing, with other objects. */
function snapshotOf(yaml: string): Snapshot {
  const store = createStore(settings, "");
  const workload = (name: string, labels: Readonly<Record<string, string>>, address: string): MeshObject => ({
    kind: "WorkloadEntry",
    value: mkWorkload(name, { address, labels }),
  });
  store.apply(
    [
      { kind: "Service" as const, value: mkService("a") },
      { kind: "Service" as const, value: mkService("b") },
      { kind: "DestinationRule" as const, value: mkDestinationRule("a", ["v1", "v2"]) },
      workload("a-v1", { app: "a", version: "v1" }, "127.0.2.1"),
      workload("a-v2", { app: "a", version: "v2" }, "127.0.2.2"),
      workload("b", { app: "b" }, "127.0.2.3"),
      workload("frontend", { app: "frontend", tier: "gold" }, "127.0.2.4"),
      workload("other", { app: "other", tier: "tin" }, "127.0.2.5"),
      ...objectsOf(yaml),
    ].map((object) => ({ kind: "apply", object })),
  );
  return store.current.snapshot;
}

function explained(snapshot: Snapshot, text: string, host: string) {
  const [line = "", ...lines] = text.split(" | ");
  const [method = "GET", path = "/"] = line.split(" ");
  const given = Object.fromEntries(
    lines.map((header) => [header.slice(0, header.indexOf(":")).toLowerCase(), header.replace(/^[^:]*: /, "")]),
  );
  const { by = "frontend", host: authority = host, ...headers } = given;
  const caller = snapshot.workloads.get(`default/${by}`);
  if (caller === undefined) throw new Error(`no ${by}`);
  return explain(snapshot, caller, 80, { method, scheme: "http", authority, path, headers });
}

/** Who gets the request, or the status of an answer that the sidecar gives. */
function outcome(snapshot: Snapshot, text: string, host: string): string {
  const { route, destinations } = explained(snapshot, text, host);
  const { action } = route;
  if (action === undefined) return "404";
  if (action.kind === "respond") return String(action.status);
  if (action.kind === "redirect") return "3xx";
  return destinations
    .flatMap(({ workloads }) => workloads.map(({ workload }) => workload.replace("default/", "")))
    .join();
}

/** Groups in which who gets a request is not decided by its route, or by chance. */
const NOT_BY_ROUTE = ["fault", "cors", "retries", "timeout"];

/** What a row says that the route decides: who, or the status. */
function decided(expected: string): string {
  const start = expected.split(" | ")[0]?.split(" ")[0] ?? "";
  return /^30\d$/.test(start) ? "3xx" : start;
}

describe("the requests that real Envoys are tried with go where the explanation says", () => {
  const rules = GROUPS.map(({ name, spec, objects }) => {
    const hosts = spec.startsWith("hosts:") ? "" : `hosts: [${name}.test], `;
    const own = `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: ${name}}\nspec: {${hosts}${spec}}\n`;
    return objects === undefined ? own : `${own}\n---\n${objects.trim()}`;
  }).join("\n---\n");
  const snapshot = snapshotOf(rules);

  describe.each(GROUPS.filter(({ name }) => !NOT_BY_ROUTE.includes(name)))("$name", ({ name, rows }) => {
    it.each(rows)("%s → %s", (request, expected) => {
      expect(outcome(snapshot, request, `${name}.test`)).toBe(decided(expected));
    });
  });
});

describe("the same for routes of Gateway API", () => {
  const service = (name: string, selector: string, namespace = "default") =>
    `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {selector: ${selector}, ports: [{name: http, port: 8080}]}\n`;
  const yaml = [
    service("a-v1", "{app: a, version: v1}"),
    service("a-v2", "{app: a, version: v2}"),
    ...GATEWAY_GROUPS.flatMap(({ name, rules, objects, namespace }) => [
      service(name, `{app: ${name}}`, namespace),
      ...(rules === undefined
        ? []
        : [
            `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: ${name}}\nspec: {parentRefs: [{group: "", kind: Service, name: ${name}}], rules: ${rules}}\n`,
          ]),
      ...(objects === undefined ? [] : [objects.trim()]),
    ]),
  ].join("\n---\n");
  const snapshot = snapshotOf(yaml);
  // Of a destination that is not there Envoy says 500.
  const groups = GATEWAY_GROUPS.filter(({ name }) => !["missing", "timeouts", "retries"].includes(name));
  describe.each(groups.filter(({ rows }) => rows.length > 0))("$name", ({ name, namespace = "default", rows }) => {
    it.each(rows)("%s → %s", (request, expected) => {
      expect(outcome(snapshot, request, `${name}.${namespace}:8080`)).toBe(decided(expected));
    });
  });
});

it("tells the plugins of the route that takes the request", () => {
  const snapshot = snapshotOf(`apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{group: "", kind: Service, name: a}]
  rules: [{matches: [{path: {type: PathPrefix, value: /r}}], backendRefs: [{name: a, port: 8080}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: s}
spec: {parentRefs: [{group: "", kind: Service, name: a}], rules: [{backendRefs: [{name: a, port: 8080}]}]}
---
apiVersion: weft.mesh/v1alpha1
kind: WasmPlugin
metadata: {name: p}
spec:
  url: "oci://registry.example/p:1"
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}]`);
  const told = (path: string) => explained(snapshot, `GET ${path}`, "a:8080").route.does;
  expect(told("/r/1")).toContain("runs the route's plugins default/p");
  expect(told("/").join()).not.toContain("default/p");
  expect(explained(snapshot, "GET /r", "a:8080").plugins).toEqual([]);
});
