import { describe, expect, test } from "vitest";
import { accepted, objectOf, refused } from "./decoding.js";

const PEM = "-----BEGIN PUBLIC KEY-----\\nMFkwEwYH\\n-----END PUBLIC KEY-----\\n";
const plugin = (spec: string) => objectOf("WasmPlugin", `{url: "oci://r.example/p:1", ${spec}}`);
const ofIstio = (spec: string) => plugin(spec).replace("weft.mesh/v1alpha1", "extensions.istio.io/v1alpha1");

test.each<[string, object]>([
  ["imagePullSecret: pull", { imagePullSecret: "pull" }],
  ["limits: {memory: 64Mi}", { limits: { memoryBytes: 64 * 1024 * 1024 } }],
  ["limits: {memory: 1.5Mi, maxModuleSize: 2M}", { limits: { memoryBytes: 1_572_864, maxModuleBytes: 2_000_000 } }],
  ["limits: {maxModuleSize: 5000}", { limits: { maxModuleBytes: 5000 } }],
  ["limits: {}", { limits: {} }],
  ["capabilities: [proxy_log, fd_write, proxy_log]", { capabilities: ["fd_write", "proxy_log"] }],
  ["capabilities: []", { capabilities: [] }],
  [
    `verification: {keys: [{pem: "${PEM}"}, {secretKeyRef: {name: a}}, {secretKeyRef: {name: b, key: c.pub}}]}`,
    {
      verification: {
        required: true,
        keys: [
          { kind: "inline", pem: PEM.replaceAll("\\n", "\n") },
          { kind: "secret", name: "a", entry: "cosign.pub" },
          { kind: "secret", name: "b", entry: "c.pub" },
        ],
      },
    },
  ],
  ["verification: {required: true}", { verification: { required: true, keys: [] } }],
  ["verification: {required: false, keys: [{secretKeyRef: {name: a}}]}", { verification: { required: false } }],
  ["vmConfig: {env: [{name: B, value: b}, {name: A, value: '', valueFrom: INLINE}]}", { env: { A: "", B: "b" } }],
  ["vmConfig: {}", { env: {} }],
])("%s", (spec, value) => {
  expect(accepted(plugin(spec)).value).toMatchObject(value);
});

test("environment variables are sorted by their names", () => {
  const { value } = accepted(plugin("vmConfig: {env: [{name: B, value: b}, {name: A, value: a}]}"));
  expect(Object.keys((value as { env: object }).env)).toEqual(["A", "B"]);
});

test("Istio's kind has its own of these", () => {
  expect(accepted(ofIstio("imagePullSecret: pull, vmConfig: {env: [{name: A, value: a}]}")).value).toMatchObject({
    imagePullSecret: "pull",
    env: { A: "a" },
  });
  for (const field of ["limits: {memory: 1Mi}", "capabilities: [proxy_log]", "verification: {required: true}"])
    expect(refused(ofIstio(field))).toEqual([`UnknownField spec.${field.slice(0, field.indexOf(":"))}`]);
});

test.each([
  ["imagePullSecret: Pull_", ["InvalidName spec.imagePullSecret"]],
  ["limits: {memory: 1}", ["OutOfRange spec.limits.memory"]],
  ["limits: {memory: 2Gi}", ["OutOfRange spec.limits.memory"]],
  ["limits: {memory: -1Mi}", ["InvalidQuantity spec.limits.memory"]],
  ["limits: {memory: 1MB}", ["InvalidQuantity spec.limits.memory"]],
  ["limits: {maxModuleSize: 65Mi}", ["OutOfRange spec.limits.maxModuleSize"]],
  ["limits: {cpu: 1}", ["UnknownField spec.limits.cpu"]],
  ["capabilities: [Proxy_log]", ["InvalidName spec.capabilities[0]"]],
  ["capabilities: proxy_log", ["WrongType spec.capabilities"]],
  ["verification: {}", ["MissingField spec.verification"]],
  ["verification: {keys: [{}]}", ["InvalidKey spec.verification.keys[0]"]],
  [`verification: {keys: [{pem: "${PEM}", secretKeyRef: {name: a}}]}`, ["InvalidKey spec.verification.keys[0]"]],
  ["verification: {keys: [{pem: text}]}", ["InvalidKey spec.verification.keys[0].pem"]],
  [
    'verification: {keys: [{pem: "-----BEGIN PRIVATE KEY-----\\nAA\\n-----END PRIVATE KEY-----"}]}',
    ["PrivateKey spec.verification.keys[0].pem"],
  ],
  ["verification: {keys: [{secretKeyRef: {key: a}}]}", ["MissingField spec.verification.keys[0].secretKeyRef.name"]],
  [
    "verification: {keys: [{secretKeyRef: {name: a, key: b/c}}]}",
    ["InvalidName spec.verification.keys[0].secretKeyRef.key"],
  ],
  ["vmConfig: {env: [{name: A, valueFrom: HOST}]}", ["UnsupportedValue spec.vmConfig.env[0].valueFrom"]],
  ["vmConfig: {env: [{name: A}]}", ["MissingField spec.vmConfig.env[0].value"]],
  ["vmConfig: {env: [{value: a}]}", ["MissingField spec.vmConfig.env[0].name"]],
  ["vmConfig: {env: [{name: '1A', value: a}]}", ["InvalidName spec.vmConfig.env[0].name"]],
  ["vmConfig: {env: [{name: A, value: a}, {name: A, value: b}]}", ["DuplicateName spec.vmConfig.env"]],
  [`vmConfig: {env: [{name: A, value: ${"x".repeat(2049)}}]}`, ["TooLarge spec.vmConfig.env[0].value"]],
  ["verificationKey: x", ["UnsupportedField spec.verificationKey"]],
])("%s is refused", (spec, problems) => {
  expect(refused(plugin(spec))).toEqual(problems);
});

describe("what is secret by mistake", () => {
  test("is in no message", async () => {
    const { decodeObject } = await import("./decode.js");
    const { parse } = await import("yaml");
    const pem = "-----BEGIN PRIVATE KEY-----\nTOPSECRET\n-----END PRIVATE KEY-----\n";
    const raw = parse(plugin("verification: {keys: [{pem: x}]}")) as { spec: { verification: { keys: object[] } } };
    raw.spec.verification.keys = [{ pem }];
    expect(JSON.stringify(decodeObject(raw))).not.toContain("TOPSECRET");
  });
});
