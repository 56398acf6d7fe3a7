import { expect, test } from "vitest";
import { accepted, objectOf, refused } from "./decoding.js";

const rule = (spec: string) => objectOf("DestinationRule", spec, "{name: x, namespace: n}");

test.each([
  ["backend", "backend.n.svc.cluster.local"],
  ["backend.other", "backend.other.svc.cluster.local"],
  ["backend.other.svc", "backend.other.svc.cluster.local"],
  ["backend.other.svc.cluster.local", "backend.other.svc.cluster.local"],
  ["api.example.com", "api.example.com"],
])("host %s is %s", (host, full) => {
  expect(accepted(rule(`{host: ${host}}`)).value).toEqual({ namespace: "n", name: "x", host: full, subsets: [] });
});

test("subsets", () => {
  const { value } = accepted(
    rule("{host: b, exportTo: ['*'], subsets: [{name: v1, labels: {version: v1}}, {name: all}]}"),
  );
  expect(value).toMatchObject({
    subsets: [
      { name: "v1", labels: { version: "v1" } },
      { name: "all", labels: {} },
    ],
  });
});

test.each([
  ["{}", ["MissingField spec.host"]],
  ["{host: '*.example.com'}", ["UnsupportedValue spec.host"]],
  ["{host: 10.0.0.1}", ["UnsupportedValue spec.host"]],
  ["{host: Backend}", ["InvalidHost spec.host"]],
  ["{host: b, trafficPolicy: {tls: {mode: DISABLE}}}", ["UnsupportedField spec.trafficPolicy"]],
  ["{host: b, exportTo: [.]}", ["UnsupportedValue spec.exportTo[0]"]],
  ["{host: b, exportTo: [other]}", ["InvalidValue spec.exportTo[0]"]],
  ["{host: b, workloadSelector: {matchLabels: {a: b}}}", ["UnsupportedField spec.workloadSelector"]],
  ["{host: b, subsets: [{labels: {a: b}}]}", ["MissingField spec.subsets[0].name"]],
  ["{host: b, subsets: [{name: V1}]}", ["InvalidName spec.subsets[0].name"]],
  ["{host: b, subsets: [{name: v1}, {name: v1}]}", ["DuplicateName spec.subsets[1].name"]],
  ["{host: b, subsets: [{name: v1, labels: {version: 1.0}}]}", ["WrongType spec.subsets[0].labels.version"]],
  [
    "{host: b, subsets: [{name: v1, trafficPolicy: {loadBalancer: {}}}]}",
    ["UnsupportedField spec.subsets[0].trafficPolicy"],
  ],
])("%s is refused", (spec, problems) => {
  expect(refused(rule(spec))).toEqual(problems);
});
