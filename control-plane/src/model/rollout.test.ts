import { expect, it } from "vitest";
import { mkServed, ready } from "../../../test/builders.js";
import type { ModuleState } from "./module-state.js";
import { BUCKETS, bucketOf, hasCandidate, servedTo, servedVersions } from "./rollout.js";

const KEYS = Array.from({ length: 1000 }, (_, i) => `default/backend-${i}`);
const candidate = mkServed("p", { version: "p-v2" });
const at = (limit: number): ModuleState => ({ ...ready("p"), rollout: { candidate, limit } });

it("puts proxies into buckets evenly, also when their keys differ at the end only", () => {
  const counts = new Map<number, number>();
  for (const key of KEYS) {
    const bucket = bucketOf("default/p", key);
    expect(Number.isInteger(bucket) && bucket >= 0 && bucket < BUCKETS).toBe(true);
    counts.set(Math.floor(bucket / 10), (counts.get(Math.floor(bucket / 10)) ?? 0) + 1);
  }
  // 100 expected in each tenth; the standard deviation is below 10.
  for (const [tenth, count] of counts) expect(Math.abs(count - 100), `tenth ${tenth}`).toBeLessThan(40);
});

it("puts a proxy always into the same bucket, and for another plugin into another", () => {
  expect(bucketOf("default/p", "default/a")).toBe(bucketOf("default/p", "default/a"));
  // What is in force depends on it across versions of the control plane.
  expect(["default/a", "default/b", "shop/cart-0"].map((key) => bucketOf("default/p", key))).toMatchInlineSnapshot(`
    [
      95,
      86,
      84,
    ]
  `);
  const same = KEYS.filter((key) => bucketOf("default/p", key) === bucketOf("default/q", key));
  expect(same.length).toBeLessThan(50);
});

it("gives the new version to a share that only grows", () => {
  let before = new Set<string>();
  for (let limit = 0; limit <= BUCKETS; limit += 10) {
    const now = new Set(KEYS.filter((key) => hasCandidate(at(limit), "default/p", key)));
    expect([...before].filter((key) => !now.has(key))).toEqual([]);
    before = now;
  }
  expect(before.size).toBe(KEYS.length);
});

it("serves everybody the one version or the other", () => {
  const state = at(50);
  const versions = new Set(KEYS.map((key) => servedTo(state, "default/p", key)?.version));
  expect(versions).toEqual(new Set(["p-v1", "p-v2"]));
  expect(servedVersions(state).map(({ version }) => version)).toEqual(["p-v1", "p-v2"]);
  expect(servedTo(ready("p"), "default/p", "default/a")?.version).toBe("p-v1");
  expect(servedTo(undefined, "default/p", "default/a")).toBeUndefined();
  expect(servedVersions(undefined)).toEqual([]);
});
