import { expect, test } from "vitest";
import { accuracy } from "./accuracy.js";

const load = { rate: 100, burst: 100, seconds: 10, requests: 100_000 };

test.each([
  ["exactly what flows in", { ...load, admitted: 1100 }, 0, true],
  ["2 % more", { ...load, admitted: 1120 }, 0.02, true],
  ["more than 2 % more", { ...load, admitted: 1121 }, 0.021, false],
  ["2 % less", { ...load, admitted: 1080 }, -0.02, true],
  ["more than 2 % less", { ...load, admitted: 1079 }, -0.021, false],
  ["what one limit for each of four workers would admit", { ...load, admitted: 4400 }, 3.3, false],
  ["no more load than the limit allows", { ...load, requests: 1100, admitted: 1100 }, 0, false],
])("%s", (_name, admission, deviation, met) => {
  const found = accuracy(admission);
  expect(found.deviation).toBeCloseTo(deviation, 10);
  expect(found.met).toBe(met);
});
