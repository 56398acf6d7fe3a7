import { expect, test } from "vitest";
import { RegistryError } from "./error.js";
import { createRetryPolicy, isRetryableStatus, parseRetryAfter, retryDelayMs, retrying } from "./retry.js";

const policy = createRetryPolicy();
const failure = (retryAfterMs?: number): RegistryError => {
  return new RegistryError("unavailable", "x", { retryable: true, retryAfterMs });
};

test.each([
  [1, 250],
  [2, 500],
  [3, 1000],
  [4, 2000],
  [5, undefined],
])("after failure %d it waits %s ms", (failures, expected) => {
  expect(retryDelayMs(policy, failures, failure(), 0.5)).toBe(expected);
});

test("waits are spread, bounded, and as long as the registry says", () => {
  expect(retryDelayMs(policy, 1, failure(), 0)).toBe(225);
  expect(retryDelayMs(policy, 1, failure(), 1)).toBe(275);
  expect(retryDelayMs({ ...policy, maxRetries: 50 }, 40, failure(), 0.5)).toBe(3000);
  expect(retryDelayMs(policy, 1, failure(7000), 0)).toBe(7000);
  expect(retryDelayMs(policy, 1, failure(30_001), 0)).toBe(undefined);
  expect(retryDelayMs(policy, 1, new RegistryError("not-found", "x"), 0)).toBe(undefined);
});

test.each([
  [200, false],
  [400, false],
  [401, false],
  [404, false],
  [408, true],
  [429, true],
  [500, true],
  [501, false],
  [502, true],
  [503, true],
  [505, false],
])("status %d is retryable: %s", (status, expected) => {
  expect(isRetryableStatus(status)).toBe(expected);
});

test.each([
  [null, undefined],
  ["", undefined],
  ["0", 0],
  [" 12 ", 12_000],
  ["-1", undefined],
  ["1.5", undefined],
  ["99999999999", undefined],
  ["soon", undefined],
  ["Thu, 01 Jan 1970 00:01:40 GMT", 40_000],
  ["Thu, 01 Jan 1970 00:00:10 GMT", 0],
])("Retry-After %j", (header, expected) => {
  expect(parseRetryAfter(header, 60_000)).toBe(expected);
});

test("retrying stops at success, at the last failure, and for the caller", async () => {
  const fast = createRetryPolicy({ baseDelayMs: 1 });
  let calls = 0;
  const third = async (): Promise<number> => {
    calls += 1;
    if (calls < 3) throw failure();
    return calls;
  };
  expect(await retrying(third, fast, undefined)).toBe(3);
  calls = -100;
  await expect(retrying(third, fast, undefined)).rejects.toThrow("x");
  expect(calls).toBe(-95);

  const controller = new AbortController();
  const endless = retrying(
    async () => {
      controller.abort(new Error("enough"));
      throw failure(20_000);
    },
    fast,
    controller.signal,
  );
  await expect(endless).rejects.toThrow("enough");
});
