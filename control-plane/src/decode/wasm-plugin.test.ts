import { describe, expect, test } from "vitest";
import type { Plugin } from "../model/plugin.js";
import { accepted, objectOf, refused } from "./decoding.js";

const DIGEST = "0123456789abcdef".repeat(4);
const plugin = (spec: string, metadata?: string) =>
  objectOf("WasmPlugin", `{url: "oci://r.example/p:1", ${spec}}`, metadata);
const withUrl = (url: string, rest = "") => objectOf("WasmPlugin", `{url: "${url}"${rest}}`);

test("a WasmPlugin with all that is supported", () => {
  const { value, warnings } = accepted(`
apiVersion: weft.mesh/v1alpha1
kind: WasmPlugin
metadata: {name: p, namespace: n, generation: 7}
spec:
  url: ghcr.io/weft/retry:1.0.0
  sha256: ${DIGEST}
  imagePullPolicy: Always
  pluginName: retry
  pluginConfig: {b: [1, {d: null, c: 1.5}], a: "x"}
  phase: AUTHZ
  priority: -5
  failStrategy: FAIL_OPEN
  type: HTTP
  selector: {matchLabels: {app: a}}
  match: [{mode: CLIENT, ports: [{number: 80}]}, {ports: []}]
  metrics:
  - {name: requests_total, type: counter, labels: {code: "%RESPONSE_CODE%"}}
  - {name: duration, type: histogram, value: "%DURATION%"}
`);
  expect(value).toEqual({
    namespace: "n",
    name: "p",
    url: "oci://ghcr.io/weft/retry:1.0.0",
    sha256: DIGEST,
    imagePullPolicy: "Always",
    config: '{"a":"x","b":[1,{"c":1.5,"d":null}]}',
    rootId: "retry",
    phase: "authz",
    type: "http",
    priority: -5,
    match: [
      { mode: "CLIENT", ports: [80] },
      { mode: "CLIENT_AND_SERVER", ports: [] },
    ],
    selector: { app: "a" },
    callouts: [],
    failStrategy: "FAIL_OPEN",
    metrics: [
      { name: "requests_total", type: "counter", labels: { code: "%RESPONSE_CODE%" } },
      { name: "duration", type: "histogram", value: "%DURATION%", labels: {} },
    ],
    generation: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
  expect(warnings).toEqual([]);
});

test("a WasmPlugin with its url alone", () => {
  expect(accepted(withUrl("oci://r.example/p:1")).value).toEqual({
    namespace: "default",
    name: "x",
    url: "oci://r.example/p:1",
    imagePullPolicy: "IfNotPresent",
    config: "{}",
    type: "http",
    priority: 0,
    match: [],
    callouts: [],
    failStrategy: "FAIL_CLOSE",
    metrics: [],
    generation: expect.any(String),
  });
});

describe("generation", () => {
  const generation = (spec: string, standalone: boolean, metadata = "{name: x, generation: 7}") => {
    const { object } = accepted(plugin(spec, metadata), { standalone });
    return object.kind === "WasmPlugin" ? object.value.generation : undefined;
  };
  test("is the API server's in a cluster", () => {
    expect(generation("priority: 1", false)).toBe("7");
  });
  test("changes exactly when the spec does without one", () => {
    const first = generation("priority: 1, phase: AUTHN", true);
    expect(generation("phase: AUTHN, priority: 1", true, "{name: x, generation: 8, labels: {a: b}}")).toBe(first);
    expect(generation("priority: 2, phase: AUTHN", true)).not.toBe(first);
    expect(generation("priority: 1, phase: AUTHN", false, "{name: x}")).toBe(first);
  });
});

test.each([
  ["r.example/p", "", { url: "oci://r.example/p", imagePullPolicy: "Always" }],
  ["localhost:5000/a/b_c/d-e:latest", "", { url: "oci://localhost:5000/a/b_c/d-e:latest", imagePullPolicy: "Always" }],
  ["oci://127.0.0.1:5000/p:V1.0_x", "", { imagePullPolicy: "IfNotPresent" }],
  ["oci://r.example/p:latest", ", imagePullPolicy: IfNotPresent", { imagePullPolicy: "IfNotPresent" }],
  ["oci://r.example/p:latest", ", imagePullPolicy: UNSPECIFIED_POLICY", { imagePullPolicy: "Always" }],
  [`oci://r.example/p@sha256:${DIGEST}`, "", { sha256: DIGEST, imagePullPolicy: "IfNotPresent" }],
  [
    `oci://r.example/p:latest@sha256:${DIGEST}`,
    `, sha256: ${DIGEST}`,
    { sha256: DIGEST, imagePullPolicy: "IfNotPresent" },
  ],
  ["oci://r.example/p:latest", `, sha256: ${DIGEST}`, { sha256: DIGEST, imagePullPolicy: "IfNotPresent" }],
  ["oci://r.example/p:1", ", sha256: ''", { imagePullPolicy: "IfNotPresent" }],
  ["file://build/p.wasm", "", { url: "file://build/p.wasm" }],
])("url %s%s", (url, rest, value) => {
  expect(accepted(withUrl(url, rest)).value).toMatchObject(value);
});

test.each([
  ["", "", ["InvalidValue spec.url"]],
  ["oci://", "", ["InvalidReference spec.url"]],
  ["oci://r.example/Upper:1", "", ["InvalidReference spec.url"]],
  ["oci://r.example/p:", "", ["InvalidReference spec.url"]],
  ["oci://r.example/p@sha256:12", "", ["InvalidReference spec.url"]],
  ["oci://r.example/p 1", "", ["InvalidReference spec.url"]],
  ["oci://user:secret@r.example/p", "", ["InvalidReference spec.url"]],
  ["https://r.example/p.wasm", "", ["UnsupportedValue spec.url"]],
  ["http://r.example/p.wasm", "", ["UnsupportedValue spec.url"]],
  ["ftp://r.example/p", "", ["InvalidReference spec.url"]],
  ["file://../p.wasm", "", ["InvalidReference spec.url"]],
  ["file://", "", ["InvalidReference spec.url"]],
  ["oci://r.example/p:1", ", sha256: '12'", ["InvalidDigest spec.sha256"]],
  ["oci://r.example/p:1", `, sha256: 'sha256:${DIGEST}'`, ["InvalidDigest spec.sha256"]],
  [`oci://r.example/p@sha256:${DIGEST}`, `, sha256: '${"0".repeat(64)}'`, ["DigestConflict spec.sha256"]],
])("url %j%s is refused", (url, rest, problems) => {
  expect(refused(withUrl(url, rest))).toEqual(problems);
});

test("a file can be read without a cluster only", () => {
  expect(refused(withUrl("file://p.wasm"), { standalone: false })).toEqual(["UnsupportedValue spec.url"]);
});

test.each([
  ["phase: AUTHX", ["InvalidValue spec.phase"]],
  ["failStrategy: FAIL_RELOAD", ["UnsupportedValue spec.failStrategy"]],
  ["failStrategy: fail_open", ["InvalidValue spec.failStrategy"]],
  ["priority: 1.5", ["WrongType spec.priority"]],
  ["priority: 2147483648", ["OutOfRange spec.priority"]],
  ["priority: '1'", ["WrongType spec.priority"]],
  ["match: [{mode: client}]", ["InvalidValue spec.match[0].mode"]],
  ["match: [{ports: [80]}]", ["WrongType spec.match[0].ports[0]"]],
  ["match: [{ports: [{number: 70000}]}]", ["OutOfRange spec.match[0].ports[0].number"]],
  ["match: [{ports: [{}]}]", ["MissingField spec.match[0].ports[0].number"]],
  ["imagePullPolicy: Never", ["InvalidValue spec.imagePullPolicy"]],
  ["pluginName: ''", ["InvalidValue spec.pluginName"]],
  ["pluginConfig: [1]", ["WrongType spec.pluginConfig"]],
  ["pluginConfig: {a: .nan}", ["OutOfRange spec.pluginConfig.a"]],
  ["pluginConfig: {a: [.inf]}", ["OutOfRange spec.pluginConfig.a[0]"]],
  ["pluginConfig: {a: 12345678901234567890}", ["OutOfRange spec.pluginConfig.a"]],
  [`pluginConfig: {a: ${"[".repeat(40)}${"]".repeat(40)}}`, [`TooLarge spec.pluginConfig.a${"[0]".repeat(32)}`]],
  [`pluginConfig: {a: ${"x".repeat(300_000)}}`, ["TooLarge spec.pluginConfig"]],
  ["type: TCP", ["InvalidValue spec.type"]],
  ["metrics: [{name: a}]", ["MissingField spec.metrics[0].type"]],
  ["metrics: [{name: a-b, type: counter}]", ["InvalidName spec.metrics[0].name"]],
  ["metrics: [{name: a, type: gauge}]", ["InvalidValue spec.metrics[0].type"]],
  ["metrics: [{name: a, type: counter, protocol: udp}]", ["InvalidValue spec.metrics[0].protocol"]],
  ["metrics: [{name: a, type: counter, when: start}]", ["InvalidValue spec.metrics[0].when"]],
  ["metrics: [{name: a, type: counter, protocol: tcp, when: later}]", ["InvalidValue spec.metrics[0].when"]],
  ["metrics: [{name: a, type: histogram}]", ["MissingField spec.metrics[0].value"]],
  ["metrics: [{name: a, type: counter, countedBy: me}]", ["InvalidValue spec.metrics[0].countedBy"]],
  [
    "metrics: [{name: a, type: counter, countedBy: plugin, value: '%DURATION%', labels: {a: b}}]",
    ["InvalidValue spec.metrics[0].value", "InvalidValue spec.metrics[0].labels"],
  ],
  [
    "metrics: [{name: a_failures_total, type: counter, countedBy: plugin, failure: 1}]",
    ["WrongType spec.metrics[0].failure"],
  ],
  ["metrics: [{name: a_failures_total, type: counter, failure: true}]", ["MissingField spec.metrics[0].value"]],
  ["metrics: [{name: a, type: counter, countedBy: plugin, failure: true}]", ["InvalidName spec.metrics[0].name"]],
  [
    "metrics: [{name: a_failures_total, type: histogram, countedBy: plugin, failure: true}]",
    ["InvalidValue spec.metrics[0].failure"],
  ],
  ["metrics: [{name: a, type: counter, labels: {a-b: x}}]", ["InvalidName spec.metrics[0].labels.a-b"]],
  ["metrics: [{name: a, type: counter, labels: {a: '%X'}}]", ["InvalidFormat spec.metrics[0].labels.a"]],
  ["pluginconfig: {}", ["UnknownField spec.pluginconfig"]],
  ["verificationKey: {a: b}", ["UnsupportedField spec.verificationKey"]],
])("%s is refused", (spec, problems) => {
  expect(refused(plugin(spec))).toEqual(problems);
});

test.each([
  ["{name: a, type: histogram, countedBy: plugin, labels: {}}", { countedBy: "plugin" }],
  ["{name: a_failures_total, type: counter, countedBy: plugin, failure: true}", { countedBy: "plugin", failure: true }],
  [
    "{name: a_failures_total, type: counter, failure: true, value: '%DURATION%'}",
    { failure: true, value: "%DURATION%" },
  ],
  ["{name: a, type: counter, countedBy: proxy, failure: false}", {}],
])("the series %s", (metric, more) => {
  const { metrics } = accepted(plugin(`metrics: [${metric}]`)).value as Plugin;
  expect(metrics).toEqual([{ name: expect.any(String), type: expect.any(String), labels: {}, ...more }]);
});

test.each([
  ["type: NETWORK", "network"],
  ["type: HTTP", "http"],
  ["type: UNSPECIFIED_PLUGIN_TYPE", "http"],
])("%s", (spec, type) => {
  expect(accepted(plugin(spec)).value).toMatchObject({ type });
});

test("Istio's API has no fields of ours", () => {
  const yaml = plugin("metrics: [], phase: STATS").replace("weft.mesh/v1alpha1", "extensions.istio.io/v1alpha1");
  expect(refused(yaml)).toEqual(["UnknownField spec.metrics"]);
});

test("messages do not show values of the configuration", () => {
  const [problem] = refused(plugin("pluginConfig: secret"));
  expect(problem).toBe("WrongType spec.pluginConfig");
});
