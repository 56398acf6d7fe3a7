import { expect, test } from "vitest";
import { accepted, objectOf, refused } from "./decoding.js";

const peer = (spec: string) => objectOf("PeerAuthentication", spec);

test.each([
  ["{}", {}],
  ["{mtls: {}}", {}],
  ["{mtls: {mode: UNSET}}", {}],
  ["{mtls: {mode: STRICT}}", { mode: "STRICT" }],
  ["{mtls: {mode: DISABLE}, selector: {matchLabels: {app: a}}}", { mode: "DISABLE", selector: { app: "a" } }],
  ["{mtls: {mode: PERMISSIVE}, selector: {matchLabels: {}}}", { mode: "PERMISSIVE" }],
  ["{mtls: {mode: PERMISSIVE}, selector: {}, portLevelMtls: {}}", { mode: "PERMISSIVE" }],
  [
    "{selector: {matchLabels: {app: a}}, portLevelMtls: {8080: {mode: DISABLE}, 9090: {mode: UNSET}, 1: {}}}",
    { selector: { app: "a" }, ports: { 8080: "DISABLE" } },
  ],
  [
    "{selector: {matchLabels: {app: a}}, mtls: {mode: UNSET}, portLevelMtls: {'80': {mode: STRICT}}}",
    { selector: { app: "a" }, ports: { 80: "STRICT" } },
  ],
])("%s is read", (spec, value) => {
  expect(accepted(peer(spec)).value).toEqual({ namespace: "default", name: "x", ...value });
});

test.each([
  ["{mtls: {mode: strict}}", ["InvalidValue spec.mtls.mode"]],
  ["{mtls: STRICT}", ["WrongType spec.mtls"]],
  ["{mtls: {mdoe: STRICT}}", ["UnknownField spec.mtls.mdoe"]],
  ["{portLevelMtls: {8080: {mode: DISABLE}}}", ["MissingSelector spec.portLevelMtls"]],
  ["{selector: {matchLabels: {a: b}}, portLevelMtls: {http: {mode: DISABLE}}}", ["OutOfRange spec.portLevelMtls.http"]],
  [
    "{selector: {matchLabels: {a: b}}, portLevelMtls: {70000: {mode: DISABLE}}}",
    ['OutOfRange spec.portLevelMtls["70000"]'],
  ],
  ["{selector: {matchLabels: {a: b}}, portLevelMtls: {80: STRICT}}", ['WrongType spec.portLevelMtls["80"]']],
  ["{selector: {matchLables: {a: b}}}", ["UnknownField spec.selector.matchLables"]],
  ["{selector: {matchLabels: {a: '*'}}}", ["InvalidLabel spec.selector.matchLabels.a"]],
  ["{selector: {matchExpressions: [{key: a}]}}", ["UnsupportedField spec.selector.matchExpressions"]],
])("%s is refused", (spec, problems) => {
  expect(refused(peer(spec))).toEqual(problems);
});
