import { expect, it } from "vitest";
import { createFailureLimit } from "./failure-limit.js";

it("lets a source wait after so many failures, until the window is over, and no other", () => {
  const limit = createFailureLimit({ maxFailures: 2, windowMs: 1000 });
  limit.failed("a", 0);
  expect(limit.waitMs("a", 10)).toBe(0);
  limit.failed("a", 10);
  expect(limit.waitMs("a", 100)).toBe(900);
  expect(limit.waitMs("b", 100)).toBe(0);
  expect(limit.waitMs("a", 1000)).toBe(0);
});

it("lets everybody wait after many failures of many", () => {
  const limit = createFailureLimit({ maxFailures: 2, windowMs: 1000 });
  for (let i = 0; i < 20; i++) limit.failed(`source ${i}`, 0);
  expect(limit.waitMs("somebody else", 500)).toBe(500);
});

it("remembers no more sources than it may, and all failures together still", () => {
  const limit = createFailureLimit({ maxFailures: 2, windowMs: 1000, maxSources: 3 });
  for (let i = 0; i < 19; i++) limit.failed(`source ${i}`, 0);
  expect(limit.waitMs("x", 0)).toBe(0);
  limit.failed("source 20", 0);
  expect(limit.waitMs("x", 0)).toBe(1000);
});
