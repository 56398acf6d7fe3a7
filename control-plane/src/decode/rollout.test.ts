import { expect, it } from "vitest";
import type { Plugin } from "../model/plugin.js";
import { accepted, objectOf, refused } from "./decoding.js";

const plugin = (rollout: string) => objectOf("WasmPlugin", `{url: "oci://r.example/p:1", rollout: ${rollout}}`);
const rolloutOf = (yaml: string) => (accepted(plugin(yaml)).value as Plugin).rollout;

it("takes steps with their pauses", () => {
  expect(rolloutOf("{steps: [{weight: 10, pause: 1m}, {weight: 50, pause: 0s}, {weight: 100}]}")).toEqual({
    steps: [
      { weight: 10, pauseMs: 60_000 },
      { weight: 50, pauseMs: 0 },
      { weight: 100, pauseMs: 30_000 },
    ],
    maxFailures: { kind: "fraction", fraction: 0.05 },
  });
});

it("is absent without being asked for", () => {
  expect(accepted(objectOf("WasmPlugin", '{url: "oci://r.example/p:1"}')).value).not.toHaveProperty("rollout");
});

it.each([
  ["0", { kind: "count", count: 0 }],
  ["3", { kind: "count", count: 3 }],
  ['"0%"', { kind: "fraction", fraction: 0 }],
  ["2.5%", { kind: "fraction", fraction: 0.025 }],
  ["100%", { kind: "fraction", fraction: 1 }],
])("takes maxFailures: %s", (text, expected) => {
  expect(rolloutOf(`{steps: [{weight: 10}], maxFailures: ${text}}`)?.maxFailures).toEqual(expected);
});

it.each<[string, string[]]>([
  ["{}", ["MissingField spec.rollout.steps"]],
  ["{steps: []}", ["OutOfRange spec.rollout.steps"]],
  ["{steps: [{}]}", ["MissingField spec.rollout.steps[0].weight"]],
  ["{steps: [{weight: 0}]}", ["OutOfRange spec.rollout.steps[0].weight"]],
  ["{steps: [{weight: 101}]}", ["OutOfRange spec.rollout.steps[0].weight"]],
  ["{steps: [{weight: 1.5}]}", ["WrongType spec.rollout.steps[0].weight"]],
  ['{steps: [{weight: "10"}]}', ["WrongType spec.rollout.steps[0].weight"]],
  ["{steps: [{weight: 10}, {weight: 10}]}", ["InvalidOrder spec.rollout.steps[1].weight"]],
  ["{steps: [{weight: 10}, {weight: 50}, {weight: 40}]}", ["InvalidOrder spec.rollout.steps[2].weight"]],
  ["{steps: [{weight: 10, pause: soon}]}", ["InvalidDuration spec.rollout.steps[0].pause"]],
  ["{steps: [{weight: 10, wait: 1m}]}", ["UnknownField spec.rollout.steps[0].wait"]],
  ["{steps: [{weight: 10}], maxFailure: 1}", ["UnknownField spec.rollout.maxFailure"]],
  ["{steps: [{weight: 10}], maxFailures: -1}", ["OutOfRange spec.rollout.maxFailures"]],
  ["{steps: [{weight: 10}], maxFailures: 0.5}", ["WrongType spec.rollout.maxFailures"]],
  ["{steps: [{weight: 10}], maxFailures: 101%}", ["InvalidValue spec.rollout.maxFailures"]],
  ["{steps: [{weight: 10}], maxFailures: few}", ["InvalidValue spec.rollout.maxFailures"]],
  [
    `{steps: [${Array.from({ length: 21 }, (_, i) => `{weight: ${i + 1}}`).join(", ")}]}`,
    ["TooLarge spec.rollout.steps"],
  ],
])("refuses %s", (yaml, expected) => {
  expect(refused(plugin(yaml))).toEqual(expected);
});

it("is not a field of Istio's kind", () => {
  const yaml = plugin("{steps: [{weight: 10}]}").replace("weft.mesh/v1alpha1", "extensions.istio.io/v1alpha1");
  expect(refused(yaml)).toEqual(["UnknownField spec.rollout"]);
});
