import { expect, test } from "vitest";
import { accepted, objectOf, refused } from "./decoding.js";

const entry = (spec: string, metadata?: string) => objectOf("WorkloadEntry", spec, metadata);

test("a WorkloadEntry with all its fields", () => {
  const { value, warnings } = accepted(
    entry(
      "{address: 127.0.1.2, ports: {http: 18080}, labels: {app: a, version: v1}, serviceAccount: robot, weight: 3}",
      "{name: a-1, namespace: n, labels: {version: v2}}",
    ),
  );
  expect(value).toEqual({
    namespace: "n",
    name: "a-1",
    address: "127.0.1.2",
    labels: { app: "a", version: "v2" },
    serviceAccount: "robot",
    ports: { http: 18080 },
    weight: 3,
    hasSidecar: true,
    interception: "none",
    capturesDns: false,
  });
  expect(warnings).toEqual([]);
});

test("a WorkloadEntry with its address alone", () => {
  expect(accepted(entry("{address: 10.0.0.1}")).value).toEqual({
    namespace: "default",
    name: "x",
    address: "10.0.0.1",
    labels: {},
    serviceAccount: "default",
    ports: {},
    weight: 1,
    hasSidecar: true,
    interception: "none",
    capturesDns: false,
  });
});

test("a workload whose traffic is intercepted, at an address of IPv6", () => {
  const metadata = "{name: x, annotations: {weft.mesh/interception: redirect}}";
  expect(accepted(entry("{address: 'FD00::7', ports: {http: 8080}}", metadata)).value).toMatchObject({
    address: "fd00::7",
    ports: { http: 8080 },
    interception: "redirect",
  });
});

test("a workload whose DNS questions go to its sidecar", () => {
  const metadata = (more: string) => `{name: x, annotations: {weft.mesh/interception: redirect, ${more}}}`;
  const captures = (more: string) => accepted(entry("{address: 10.0.0.1}", metadata(more))).value;
  expect(captures("weft.mesh/capture-dns: 'true'")).toMatchObject({ capturesDns: true });
  expect(captures("weft.mesh/capture-dns: 'false'")).toMatchObject({ capturesDns: false });
});

test("a network is left out of account, with a warning", () => {
  expect(accepted(entry("{address: 10.0.0.1, network: n}")).warnings).toEqual(["NoEffect spec.network"]);
});

test("the command of the app comes from an annotation", () => {
  const metadata = "{name: x, annotations: {weft.mesh/run: node app.mjs}}";
  expect(accepted(entry("{address: 10.0.0.1}", metadata)).value).toMatchObject({ run: "node app.mjs" });
});

test("a map finds nothing that the user did not write", () => {
  const { object } = accepted(entry("{address: 10.0.0.1, ports: {http: 1}}"));
  expect(object.kind === "WorkloadEntry" && object.value.ports.constructor).toBeUndefined();
});

test.each([
  ['{name: x, annotations: {weft.mesh/inject: "false"}}', false],
  ['{name: x, labels: {weft.mesh/inject: "false"}}', false],
  ['{name: x, labels: {weft.mesh/inject: "true"}}', true],
  ['{name: x, labels: {weft.mesh/inject: "true"}, annotations: {weft.mesh/inject: "false"}}', true],
])("%s: hasSidecar is %s", (metadata, hasSidecar) => {
  expect(accepted(entry("{address: 10.0.0.1}", metadata)).value).toMatchObject({ hasSidecar });
});

test.each([
  ["{}", "{name: x}", ["MissingField spec.address"]],
  ["{address: backend.example}", "{name: x}", ["InvalidAddress spec.address"]],
  ["{address: '::1'}", "{name: x}", ["InvalidAddress spec.address"]],
  ["{address: 0.0.0.0}", "{name: x}", ["InvalidAddress spec.address"]],
  ["{address: 255.255.255.255}", "{name: x}", ["InvalidAddress spec.address"]],
  ["{address: 127.1}", "{name: x}", ["WrongType spec.address"]],
  ["{address: 10.0.0.1, ports: {http: 0}}", "{name: x}", ["OutOfRange spec.ports.http"]],
  ["{address: 10.0.0.1, ports: {http: http}}", "{name: x}", ["WrongType spec.ports.http"]],
  ["{address: 10.0.0.1, ports: {Http: 1}}", "{name: x}", ["InvalidName spec.ports.Http"]],
  ["{address: 10.0.0.1, ports: [1]}", "{name: x}", ["WrongType spec.ports"]],
  ["{address: 10.0.0.1, weight: 0}", "{name: x}", ["OutOfRange spec.weight"]],
  ["{address: 10.0.0.1, weight: -1}", "{name: x}", ["OutOfRange spec.weight"]],
  ["{address: 10.0.0.1, serviceAccount: a/b}", "{name: x}", ["InvalidName spec.serviceAccount"]],
  [
    "{address: 10.0.0.1}",
    "{name: x, annotations: {weft.mesh/interception: tproxy}}",
    ['InvalidValue metadata.annotations["weft.mesh/interception"]'],
  ],
  [
    "{address: 10.0.0.1}",
    "{name: x, annotations: {weft.mesh/interception: redirect, weft.mesh/capture-dns: 'yes'}}",
    ['InvalidValue metadata.annotations["weft.mesh/capture-dns"]'],
  ],
  [
    "{address: 10.0.0.1}",
    "{name: x, annotations: {weft.mesh/capture-dns: 'true'}}",
    ['InvalidValue metadata.annotations["weft.mesh/capture-dns"]'],
  ],
  ["{address: 10.0.0.1, locality: a/b/c/d}", "{name: x}", ["InvalidValue spec.locality"]],
  ["{adress: 10.0.0.1}", "{name: x}", ["MissingField spec.address", "UnknownField spec.adress"]],
  [
    "{address: 10.0.0.1}",
    "{name: x, labels: {weft.mesh/inject: 'no'}}",
    ['InvalidValue metadata.labels["weft.mesh/inject"]'],
  ],
  [
    "{address: 10.0.0.1}",
    "{name: x, annotations: {weft.mesh/inject: ''}}",
    ['InvalidValue metadata.annotations["weft.mesh/inject"]'],
  ],
])("spec %s with metadata %s is refused", (spec, metadata, problems) => {
  expect(refused(entry(spec, metadata))).toEqual(problems);
});
