import { expect, it } from "vitest";
import { type ProxySlots, proxyCounts } from "./proxy-counts.js";

const KEY = "default/retry";
const slot = (name: string, plugins: readonly string[], version = "2") => ({ name, plugins, version });
const proxy = (over: Partial<ProxySlots> = {}): ProxySlots => ({
  slots: [slot("in", [KEY]), slot("out", ["default/other"])],
  acked: new Map([["in", "2"]]),
  ...over,
});
const nack = (...names: string[]) => ({ message: `no ${names}`, names });

it.each<[string, readonly ProxySlots[], object]>([
  ["no proxy at all", [], { matched: 0, acked: 0, rejected: 0 }],
  [
    "a proxy without the plugin",
    [proxy({ slots: [slot("out", ["default/other"])] })],
    { matched: 0, acked: 0, rejected: 0 },
  ],
  ["one that runs it", [proxy()], { matched: 1, acked: 1, rejected: 0 }],
  ["one that has an older version", [proxy({ acked: new Map([["in", "1"]]) })], { matched: 1, acked: 0, rejected: 0 }],
  ["one that has answered nothing yet", [proxy({ acked: new Map() })], { matched: 1, acked: 0, rejected: 0 }],
  [
    "one that runs it in one slot of two",
    [proxy({ slots: [slot("in", [KEY]), slot("out", [KEY])] })],
    { matched: 1, acked: 0, rejected: 0 },
  ],
  [
    "one that refused it",
    [proxy({ acked: new Map([["in", "1"]]), lastNack: nack("in") })],
    { matched: 1, acked: 0, rejected: 1, lastError: "no in" },
  ],
  [
    "one that refused another slot",
    [proxy({ acked: new Map([["in", "1"]]), lastNack: nack("out") })],
    { matched: 1, acked: 0, rejected: 0 },
  ],
  [
    "one that refused it before and runs it now",
    [proxy({ lastNack: nack("in") })],
    { matched: 1, acked: 1, rejected: 0 },
  ],
  [
    "several, with one of their words",
    [proxy(), ...["in", "in"].map((name) => proxy({ acked: new Map(), lastNack: nack(name) }))],
    { matched: 3, acked: 1, rejected: 2, lastError: "no in" },
  ],
])("counts %s", (_name, proxies, expected) => {
  expect(proxyCounts(KEY, proxies)).toEqual(expected);
});
