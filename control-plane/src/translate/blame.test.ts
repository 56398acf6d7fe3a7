import { expect, it } from "vitest";
import { blamedPlugins } from "./blame.js";

const slot = (name: string, version: string, ...plugins: string[]) => ({ name, version, plugins });
const TWO = slot("weft/in/8080/default", "2", "default/retry", "default/retry-budget");
const ONE = slot("weft/out/15001/default", "2", "shop/canary");
const refused = (...slots: { name: string; version: string }[]) => new Map(slots.map((s) => [s.name, s.version]));

it.each([
  ["the plugin that Envoy names", refused(TWO), "Unable to create Wasm plugin default.retry", ["default/retry"]],
  ["not the one whose name begins alike", refused(TWO), "plugin default.retry-budget: no", ["default/retry-budget"]],
  ["all that it names", refused(TWO), "default.retry, default.retry-budget", ["default/retry", "default/retry-budget"]],
  ["nobody where it names nobody", refused(TWO), "out of memory", []],
  ["not a plugin of a name inside another", refused(TWO), "plugin x.default.retry", []],
  ["the only plugin of a slot, named or not", refused(ONE), "out of memory", ["shop/canary"]],
  ["nobody for a version that is no longer wanted", refused({ ...ONE, version: "1" }), "shop.canary", []],
  ["nobody of a slot that was not refused", refused(ONE), "default.retry", ["shop/canary"]],
  ["a plugin once, however many slots have it", refused(TWO, ONE), "default.retry", ["default/retry", "shop/canary"]],
])("blames %s", (_name, versions, message, expected) => {
  expect(blamedPlugins([TWO, ONE], versions, message)).toEqual(expected);
});
