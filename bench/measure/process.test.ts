import { expect, test } from "vitest";
import { cpuNanoseconds, residentBytes, runNanoseconds } from "./process.js";

test.each([
  ["268572 12 1\n", 268572],
  ["0 0 0", 0],
  ["", 0],
])("%j has run for %d ns", (text, expected) => {
  expect(runNanoseconds(text)).toBe(expected);
});

test("what this process does is counted", async () => {
  const before = await cpuNanoseconds(process.pid);
  const { user, system } = process.cpuUsage();
  let now = process.cpuUsage();
  while (now.user + now.system - user - system < 200_000) now = process.cpuUsage();
  const spent = (await cpuNanoseconds(process.pid)) - before;
  expect(spent).toBeGreaterThan(150_000_000);
  expect(await residentBytes(process.pid)).toBeGreaterThan(1e7);
});

test("a process that is not there is an error", async () => {
  await expect(cpuNanoseconds(2 ** 30)).rejects.toMatchObject({ code: "ENOENT" });
});
