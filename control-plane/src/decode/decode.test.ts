import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "../model/diagnostic.js";
import { decodeObject } from "./decode.js";
import { accepted, objectOf, refused } from "./decoding.js";

const PEER = (head: string) => `${head}\nkind: PeerAuthentication\n`;

describe("kinds", () => {
  test.each([
    ["v1", "Service", "{selector: {app: a}, ports: [{name: http, port: 80}]}"],
    ["networking.istio.io/v1alpha3", "WorkloadEntry", "{address: 127.0.1.2}"],
    ["networking.istio.io/v1beta1", "DestinationRule", "{host: a}"],
    ["networking.istio.io/v1", "VirtualService", "{hosts: [a], http: [{route: [{destination: {host: a}}]}]}"],
    ["security.istio.io/v1beta1", "PeerAuthentication", "{}"],
    ["security.istio.io/v1", "PeerAuthentication", "{mtls: {mode: STRICT}}"],
    ["security.istio.io/v1beta1", "AuthorizationPolicy", "{}"],
    ["security.istio.io/v1", "RequestAuthentication", "{}"],
    ["weft.mesh/v1alpha1", "WasmPlugin", '{url: "oci://r.example/p:1"}'],
    ["extensions.istio.io/v1alpha1", "WasmPlugin", '{url: "oci://r.example/p:1"}'],
    ["weft.mesh/v1alpha1", "MeshConfig", "{}"],
  ])("%s %s is read", (apiVersion, kind, spec) => {
    const head = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: default}`;
    const { ref, object } = accepted(`${head}\nspec: ${spec}`);
    expect(ref).toEqual({ kind, namespace: "default", name: "default" });
    expect(object.kind).toBe(kind);
    expect(object.value).toMatchObject({ namespace: "default", name: "default" });
  });

  test.each([
    ["apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}", "warning", "UnsupportedKind", "mesh reads Service"],
    ["apiVersion: networking.istio.io/v1\nkind: EnvoyFilter\nmetadata: {name: x}", "warning", "UnsupportedKind", ""],
    [
      "apiVersion: security.istio.io/v1\nkind: GuardianAngel\nmetadata: {name: x}",
      "error",
      "UnsupportedKind",
      "do not rely on it",
    ],
    ["apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: x}", "warning", "UnsupportedKind", ""],
    ["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}", "warning", "UnsupportedKind", ""],
    ["apiVersion: v1\nkind: Servise\nmetadata: {name: x}", "error", "UnknownKind", "did you mean Service?"],
    [
      "apiVersion: networking.istio.io/v1\nkind: virtualservice\nmetadata: {name: x}",
      "error",
      "UnknownKind",
      "VirtualService",
    ],
    [
      "apiVersion: networking.istio.oi/v1\nkind: VirtualService\nmetadata: {name: x}",
      "error",
      "UnknownApiVersion",
      "networking.istio.io/v1?",
    ],
    [
      "apiVersion: networking.istio.io/v2\nkind: VirtualService\nmetadata: {name: x}",
      "error",
      "UnsupportedVersion",
      "networking.istio.io/v1 or",
    ],
    ["kind: Service", "error", "MissingField", "apiVersion: v1"],
    ["apiVersion: v1", "error", "MissingField", "kind"],
    ["apiVersion: 1\nkind: Service", "error", "MissingField", "apiVersion"],
    ["[1, 2]", "error", "NotAnObject", "metadata and spec"],
    ["text", "error", "NotAnObject", ""],
  ])("%j gives the %s %s", async (yaml, severity, reason, hint) => {
    const { parse } = await import("yaml");
    const result = decodeObject(parse(yaml));
    expect(result.ok).toBe(false);
    const [diagnostic] = result.ok ? [] : result.diagnostics;
    expect(diagnostic).toMatchObject({ severity, reason });
    expect(diagnostic?.hint).toContain(hint);
  });

  test("an object is named as soon as its kind and name are known", () => {
    const named = decodeObject({ apiVersion: "v1", kind: "Service", metadata: { name: "a", namespace: "b" } });
    expect(named).toMatchObject({ ok: false, ref: { kind: "Service", namespace: "b", name: "a" } });
    const badName = decodeObject({ apiVersion: "v1", kind: "Service", metadata: { name: "A_" }, spec: {} });
    expect(badName).not.toHaveProperty("ref");
    expect(badName.ok || badName.diagnostics[0]?.object).toEqual({ kind: "Service", namespace: "default", name: "A_" });
    expect(decodeObject({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } })).not.toHaveProperty("ref");
  });
});

describe("metadata", () => {
  test("may hold all that Kubernetes puts there, and status is not looked at", () => {
    const { value } = accepted(`
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: a.b
  namespace: c
  uid: "1"
  resourceVersion: "2"
  generation: 3
  creationTimestamp: null
  labels: {app.kubernetes.io/name: A_b.c, empty: ""}
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{any: thing}"}
  ownerReferences: [{}]
  finalizers: [x]
  managedFields: [{any: thing}]
status: {any: [thing]}
`);
    expect(value).toEqual({ namespace: "c", name: "a.b" });
  });

  test.each([
    ["{}", ["MissingField metadata.name"]],
    ["{name: null}", ["MissingField metadata.name"]],
    ["{name: 1}", ["WrongType metadata.name"]],
    ["{name: Upper}", ["InvalidName metadata.name"]],
    [`{name: ${"a".repeat(254)}}`, ["InvalidName metadata.name"]],
    ["{name: a..b}", ["InvalidName metadata.name"]],
    ["{name: a, namespace: b.c}", ["InvalidName metadata.namespace"]],
    ["{name: a, namespace: ''}", ["InvalidValue metadata.namespace"]],
    ["{name: a, lables: {}}", ["UnknownField metadata.lables"]],
    ["{name: a, labels: [x]}", ["WrongType metadata.labels"]],
    ["{name: a, labels: {a: 1}}", ["WrongType metadata.labels.a"]],
    ["{name: a, labels: {a: 'b c'}}", ["InvalidLabel metadata.labels.a"]],
    [`{name: a, labels: {a: ${"b".repeat(64)}}}`, ["InvalidLabel metadata.labels.a"]],
    ["{name: a, labels: {-a: b}}", ['InvalidLabel metadata.labels["-a"]']],
    ["{name: a, labels: {A/b: c}}", ['InvalidLabel metadata.labels["A/b"]']],
    ["{name: a, labels: {a/b/c: d}}", ['InvalidLabel metadata.labels["a/b/c"]']],
    ["{name: a, annotations: {a: {}}}", ["WrongType metadata.annotations.a"]],
  ])("%s is refused", (metadata, problems) => {
    expect(refused(objectOf("PeerAuthentication", "{}", metadata))).toEqual(problems);
  });

  test("is needed", () => {
    expect(refused(PEER("apiVersion: security.istio.io/v1"))).toEqual(["MissingField metadata"]);
    expect(refused("apiVersion: v1\nkind: Service\nmetadata: {name: a}")).toEqual(["MissingField spec"]);
    expect(refused("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: 5\nextra: 1")).toEqual([
      "WrongType spec",
      "UnknownField extra",
    ]);
  });
});

describe("diagnostics", () => {
  test("say where, what and what to do, all at once", () => {
    const result = decodeObject(
      {
        apiVersion: "networking.istio.io/v1",
        kind: "DestinationRule",
        metadata: { name: "a" },
        spec: { hots: "b", subsets: [{ name: 1 }] },
      },
      { file: "demo.yaml", lineOf: (path) => path.length },
    );
    expect(result.ok ? [] : result.diagnostics.map(formatDiagnostic)).toEqual([
      "demo.yaml:2: DestinationRule default/a spec.host: is missing (MissingField). Fix: name the Service that the rule is for",
      'demo.yaml:4: DestinationRule default/a spec.subsets[0].name: is the number 1, where a string is wanted (WrongType). Fix: write it in quotes: "1"',
      "demo.yaml:2: DestinationRule default/a spec.hots: is not a field of the API (UnknownField). Fix: did you mean host?",
    ]);
  });

  test("are bounded in number", () => {
    const subsets = Array.from({ length: 100 }, () => ({ a: 1, b: 2, c: 3 }));
    const result = decodeObject({
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: { name: "a" },
      spec: { host: "b", subsets },
    });
    expect(result.ok ? 0 : result.diagnostics.length).toBe(100);
  });
});
