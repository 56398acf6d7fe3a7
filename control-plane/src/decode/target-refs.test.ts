import { expect, test } from "vitest";
import { accepted, objectOf, refused } from "./decoding.js";

const plugin = (spec: string) =>
  objectOf("WasmPlugin", `{url: "oci://r.example/p:1", ${spec}}`, "{name: p, namespace: shop}");

test.each<[string, readonly string[] | undefined]>([
  ["targetRefs: [{kind: Service, name: b}, {kind: Service, name: a, group: ''}]", ["a", "b"]],
  ["targetRefs: [{kind: Service, name: a}, {kind: Service, name: a, namespace: shop, group: core}]", ["a"]],
  ["targetRef: {kind: Service, name: a}", ["a"]],
  ["targetRefs: [], selector: {matchLabels: {app: a}}", undefined],
  ["targetRefs: null", undefined],
  ["targetRefs: [{kind: Service, name: a}], match: [{mode: SERVER, ports: [{number: 80}]}, {}]", ["a"]],
])("%s", (spec, expected) => {
  for (const group of ["weft.mesh", "extensions.istio.io"]) {
    const { object } = accepted(plugin(spec).replace("weft.mesh", group));
    expect(object.kind === "WasmPlugin" && object.value.targetServices).toEqual(expected);
  }
});

const ROUTE = "{kind: HTTPRoute, name: r, group: gateway.networking.k8s.io}";
const TARGET = "{kind: Service, name: a}";
test.each([
  ["targetRefs: {a: b}", ["WrongType spec.targetRefs"]],
  ["targetRefs: [{name: a}]", ["MissingField spec.targetRefs[0].kind"]],
  ["targetRefs: [{kind: Service}]", ["MissingField spec.targetRefs[0].name"]],
  ["targetRefs: [{kind: Pod, name: a}]", ["InvalidValue spec.targetRefs[0].kind"]],
  ["targetRefs: [{kind: Service, name: a.b}]", ["InvalidName spec.targetRefs[0].name"]],
  ["targetRefs: [{kind: Service, name: a, group: apps}]", ["InvalidValue spec.targetRefs[0].group"]],
  ["targetRefs: [{kind: Service, name: a, namespace: other}]", ["UnsupportedValue spec.targetRefs[0].namespace"]],
  ["targetRefs: [{kind: Service, name: a, sectionName: http}]", ["UnknownField spec.targetRefs[0].sectionName"]],
  ...["Gateway", "GatewayClass", "ServiceEntry"].map((kind): [string, string[]] => [
    `targetRefs: [{kind: ${kind}, name: a, group: gateway.networking.k8s.io}]`,
    ["UnsupportedValue spec.targetRefs[0].kind"],
  ]),
  [`targetRefs: [${TARGET}, ${ROUTE}]`, ["ConflictingFields spec.targetRefs"]],
  [`targetRefs: [${ROUTE}], selector: {matchLabels: {a: b}}`, ["ConflictingFields spec.targetRefs"]],
  [`targetRefs: [${ROUTE}], type: NETWORK`, ["ConflictingFields spec.type"]],
  [`targetRefs: [${ROUTE}], match: [{}, {mode: SERVER}]`, ["ConflictingFields spec.match[1].mode"]],
  [`targetRefs: [${ROUTE}], match: [{ports: [{number: 80}]}]`, ["ConflictingFields spec.match[0].ports"]],
  [`targetRefs: [${ROUTE}], metrics: [{name: m, type: counter}]`, ["ConflictingFields spec.metrics"]],
  ["targetRefs: [{kind: HTTPRoute, name: r}]", ["InvalidValue spec.targetRefs[0].group"]],
  [`targetRefs: [{sectionName: first, ${ROUTE.slice(1)}]`, ["UnknownField spec.targetRefs[0].sectionName"]],
  [`targetRefs: [{namespace: other, ${ROUTE.slice(1)}]`, ["UnsupportedValue spec.targetRefs[0].namespace"]],
  [`targetRefs: [${TARGET}], selector: {matchLabels: {a: b}}`, ["ConflictingFields spec.targetRefs"]],
  [`targetRef: ${TARGET}, selector: {matchLabels: {a: b}}`, ["ConflictingFields spec.targetRef"]],
  [`targetRef: ${TARGET}, targetRefs: [${TARGET}]`, ["ConflictingFields spec.targetRefs"]],
  [`targetRefs: [${TARGET}], match: [{}, {mode: CLIENT}]`, ["ConflictingFields spec.match[1].mode"]],
  [`targetRefs: [${Array.from({ length: 17 }, () => TARGET).join()}]`, ["TooLarge spec.targetRefs"]],
])("%s is refused", (spec, problems) => {
  expect(refused(plugin(spec))).toEqual(problems);
});

test.each([
  [`targetRefs: [${ROUTE}, ${ROUTE.replace("HTTP", "GRPC")}, ${ROUTE}]`, ["GRPCRoute r", "HTTPRoute r"]],
  [`targetRef: ${ROUTE}`, ["HTTPRoute r"]],
  [`targetRefs: [${ROUTE.replace("name: r", "name: r.v2")}], match: [{mode: CLIENT}]`, ["HTTPRoute r.v2"]],
])("%s", (spec, expected) => {
  const { object } = accepted(plugin(spec));
  if (object.kind !== "WasmPlugin") throw new Error(object.kind);
  expect(object.value.targetRoutes?.map(({ kind, name }) => `${kind} ${name}`)).toEqual(expected);
  expect(object.value.targetServices).toBeUndefined();
});
