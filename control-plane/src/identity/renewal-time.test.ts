import { expect, it } from "vitest";
import { BACK_DATE_MS } from "./authority-material.js";
import { renewalTime } from "./renewal-time.js";

it.each([
  ["at the earliest", 0, 40],
  ["in the middle", 0.5, 50],
  ["at the latest", 1, 60],
])("a certificate is renewed around the middle of its life: %s", (_when, chance, percent) => {
  const validity = { notBeforeMs: 1_000_000 - BACK_DATE_MS, notAfterMs: 1_100_000 };
  expect(renewalTime(validity, chance)).toBeCloseTo(1_000_000 + percent * 1000);
});
