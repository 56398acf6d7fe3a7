import type { MaxFailures, RolloutPlan, RolloutStep } from "../model/rollout.js";
import { readDurationMs } from "./duration.js";
import { child, type Field, type Reader, readInteger, readList, readObject, refuse, show } from "./fields.js";

const MAX_STEPS = 20;
const DEFAULT_PAUSE_MS = 30_000;
const DEFAULT_MAX_FAILURES: MaxFailures = { kind: "fraction", fraction: 0.05 };
const MAX_COUNT = 1_000_000;

/** `spec.rollout`: how a new version comes to the proxies. */
export const readRollout: Reader<RolloutPlan> = readObject((fields) => {
  const steps = fields.required("steps", readSteps, "add at least one step, for example {weight: 10, pause: 1m}");
  const maxFailures = fields.optional("maxFailures", readMaxFailures) ?? DEFAULT_MAX_FAILURES;
  return steps && { steps, maxFailures };
});

const readStep: Reader<RolloutStep> = readObject((fields) => {
  const weight = fields.required("weight", readInteger(1, 100), "say which percentage of the proxies the step is for");
  const pauseMs = fields.optional("pause", readDurationMs(0)) ?? DEFAULT_PAUSE_MS;
  return weight === undefined ? undefined : { weight, pauseMs };
});

const readSteps: Reader<readonly RolloutStep[]> = (field) => {
  const steps = readList(readStep, { min: 1, max: MAX_STEPS })(field);
  // With a step left out, because it is wrong, the positions would not be those of the object.
  if (steps === undefined || !Array.isArray(field.value) || steps.length !== field.value.length) return steps;
  for (const [position, { weight }] of steps.entries()) {
    const before = steps[position - 1]?.weight ?? 0;
    if (weight > before) continue;
    const place = child(child(field, position, undefined), "weight", weight);
    return refuse(
      place,
      "InvalidOrder",
      `is ${weight}, after a step with weight ${before}`,
      "let weights grow from step to step",
    );
  }
  return steps;
};

const PERCENT = /^(\d{1,3}(?:\.\d{1,3})?)%$/;

/** A number, as in 3, or a percentage, as in "5%": the two forms that Kubernetes has for `maxUnavailable`. */
function readMaxFailures(field: Field): MaxFailures | undefined {
  const { value } = field;
  if (typeof value === "number") {
    const count = readInteger(0, MAX_COUNT)(field);
    return count === undefined ? undefined : { kind: "count", count };
  }
  const percent = typeof value === "string" ? PERCENT.exec(value)?.[1] : undefined;
  if (percent !== undefined && Number(percent) <= 100) return { kind: "fraction", fraction: Number(percent) / 100 };
  return refuse(
    field,
    "InvalidValue",
    `is ${show(value)}`,
    'write a number of failed requests, such as 3, or a percentage of requests from "0%" to "100%"',
  );
}
