import { expect, it } from "vitest";
import { type ProxySlots, proxyCounts } from "./proxy-counts.js";
import { createProxyTally } from "./proxy-tally.js";

const slot = (name: string, plugins: readonly string[]) => ({ name, plugins, version: `${name}-now` });
const proxy = (acked: boolean, plugins: readonly string[], error?: string): ProxySlots => ({
  slots: [slot("in", plugins), slot("out", [])],
  acked: new Map([["in", acked ? "in-now" : "in-before"]]),
  ...(error === undefined ? {} : { lastNack: { message: error, names: ["in"] } }),
});

it("counts as all of them counted anew would, whatever changes", () => {
  const tally = createProxyTally();
  const now = new Map<string, ProxySlots>();
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  const plugins = ["a", "b", "c"];
  for (let round = 0; round < 500; round++) {
    const key = `p${random(6)}`;
    const next =
      random(5) === 0
        ? undefined
        : proxy(
            random(2) === 0,
            plugins.filter(() => random(2) === 0),
            random(3) === 0 ? `refused by ${key}` : undefined,
          );
    if (next === undefined) now.delete(key);
    else now.set(key, next);
    const before = new Map(plugins.map((plugin) => [plugin, tally.counts(plugin)]));
    const changed = tally.update(key, next);
    const inOrder = [...now].sort(([x], [y]) => (x < y ? -1 : 1)).map(([, slots]) => slots);
    for (const plugin of plugins) {
      expect(tally.counts(plugin)).toEqual(proxyCounts(plugin, inOrder));
      // What was not named is not looked at again.
      if (!changed.includes(plugin)) expect(tally.counts(plugin)).toBe(before.get(plugin));
    }
  }
});
