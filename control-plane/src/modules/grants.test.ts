import { expect, it } from "vitest";
import { createGrants } from "./grants.js";

it("hold for their time", () => {
  let now = 0;
  const grants = createGrants(100, () => now);
  grants.add("a");
  now = 99;
  expect([grants.has("a"), grants.has("b")]).toEqual([true, false]);
  now = 100;
  expect(grants.has("a")).toBe(false);
});

it("are bounded, and the oldest go first", () => {
  const grants = createGrants();
  for (let n = 0; n < 10_001; n++) grants.add(String(n));
  expect([grants.has("0"), grants.has("1"), grants.has("10000")]).toEqual([false, true, true]);
});
