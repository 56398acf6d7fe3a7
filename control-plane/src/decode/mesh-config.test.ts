import { expect, test } from "vitest";
import { accepted, objectOf, refused } from "./decoding.js";

const config = (spec: string, name = "default") =>
  objectOf("MeshConfig", spec, `{name: ${name}, namespace: weft-system}`);
const keys = "keys: [{secretKeyRef: {name: a}}]";
const DEFAULTS = {
  mode: "enforce",
  verification: { required: false, keys: [], repositories: [] },
  requireDigest: false,
};

test.each<[string, object]>([
  ["{}", DEFAULTS],
  ["{plugins: {}}", DEFAULTS],
  [
    `{plugins: {mode: warn, requireDigest: true, registries: [ghcr.io, "*.example.com:*", "127.0.0.1:5000", "file://"], capabilities: [proxy_log], verification: {required: true, ${keys}, repositories: ["ghcr.io/acme/**"]}}}`,
    {
      mode: "warn",
      requireDigest: true,
      registries: ["ghcr.io", "*.example.com:*", "127.0.0.1:5000", "file://"],
      capabilities: ["proxy_log"],
      verification: {
        required: true,
        keys: [{ kind: "secret", name: "a", entry: "cosign.pub" }],
        repositories: ["ghcr.io/acme/**"],
      },
    },
  ],
  ["{plugins: {registries: [], capabilities: []}}", { ...DEFAULTS, registries: [], capabilities: [] }],
  ["{metrics: {}}", DEFAULTS],
])("%s", (spec, plugins) => {
  expect(accepted(config(spec)).value).toMatchObject({ namespace: "weft-system", name: "default", plugins });
});

test.each([
  ["{outboundTrafficPolicy: {mode: NONE}}", ["InvalidValue spec.outboundTrafficPolicy.mode"]],
  ["{accessLog: [x]}", ["WrongType spec.accessLog"]],
  ["{tracing: [x]}", ["WrongType spec.tracing"]],
  ["{metrics: [x]}", ["UnsupportedField spec.metrics"]],
  ["{plugin: {}}", ["UnknownField spec.plugin"]],
  ["{plugins: {mode: audit}}", ["InvalidValue spec.plugins.mode"]],
  ["{plugins: {verification: {required: true}}}", ["MissingField spec.plugins.verification"]],
  ["{plugins: {registries: [ghcr.io/acme]}}", ["InvalidGlob spec.plugins.registries[0]"]],
  ["{plugins: {registries: ['https://ghcr.io']}}", ["InvalidGlob spec.plugins.registries[0]"]],
  [
    `{plugins: {verification: {${keys}, repositories: ["ghcr.io/a:1"]}}}`,
    ["InvalidGlob spec.plugins.verification.repositories[0]"],
  ],
  ["{plugins: {requireDigest: 1}}", ["WrongType spec.plugins.requireDigest"]],
])("%s is refused", (spec, problems) => {
  expect(refused(config(spec))).toEqual(problems);
});

test.each(["ALLOW_ANY", "REGISTRY_ONLY"])("the outbound policy %s", (mode) => {
  expect(accepted(config(`{outboundTrafficPolicy: {mode: ${mode}}}`)).value).toMatchObject({ outbound: mode });
});

test("there is one in a mesh, called default", () => {
  expect(refused(config("{}", "other"))).toEqual(["InvalidName metadata.name"]);
});
