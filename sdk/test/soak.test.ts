import { expect, test } from "vitest";
import { runSoak } from "./soak.js";

test("a VM's memory after many requests is what it was after few", async () => {
  const result = await runSoak({ requests: 20_000, warmUp: 1000 });
  expect(result.failure).toBeUndefined();
  expect(result.sent).toBe(20_000);
  expect(result.pagesEarly).toBeGreaterThan(0);
  expect(result.pagesLate).toBe(result.pagesEarly);
  expect(result.pagesLate).toBeLessThan(64);
});
