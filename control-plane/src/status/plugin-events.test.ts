import { expect, it } from "vitest";
import { pluginEvents } from "./plugin-events.js";

const REF = { kind: "WasmPlugin", namespace: "default", name: "hello" };
type Status = Readonly<Record<string, unknown>>;

/** `True Reason: message` by type. */
const conditions = (texts: Readonly<Record<string, string>>) =>
  Object.entries(texts).map(([type, text]) => {
    const [, status = "", reason = "", message = ""] = /^(\w+)(?: (\w+))?(?:: (.*))?$/.exec(text) ?? [];
    return { type, status, reason, message, lastTransitionTime: "2026-01-01T00:00:00.000Z" };
  });
const PENDING = {
  Resolved: "Unknown",
  Verified: "Unknown",
  Validated: "Unknown",
  Programmed: "False",
  Degraded: "False",
};
const GOOD = { Resolved: "True", Verified: "True: signed by key k", Validated: "True", Degraded: "False" };
const pending: Status = { conditions: conditions(PENDING) };
const good = (digest: string, over: Readonly<Record<string, string>> = {}, more: Status = {}): Status => ({
  digest,
  lastGood: { digest },
  conditions: conditions({ ...GOOD, Programmed: "True: 4 of 4 proxies run it", ...over }),
  ...more,
});
const rollout = (state: string, step: number, phase: string, version = "v2") => ({
  rollout: { state, step, steps: 2, weight: step * 25, phase, version, digest: "d2", message: "why" },
});
const brief = (before: Status | undefined, after: Status) =>
  pluginEvents(REF, before, after).map(({ type, reason, message }) => `${type} ${reason} ${message}`.trim());

const unreachable = (time: string) => ({
  ...pending,
  conditions: conditions({ ...PENDING, Resolved: `False Unavailable: no answer; next attempt at ${time}` }),
});

it.each<[string, Status | undefined, Status, readonly string[]]>([
  ["nothing is known yet", undefined, pending, []],
  [
    "the first version comes",
    pending,
    good("d1"),
    [
      "Normal Pulled d1",
      "Normal Verified d1; signed by key k",
      "Normal Validated d1",
      "Normal Programmed d1; 4 of 4 proxies run it",
    ],
  ],
  ["it stays", good("d1"), good("d1"), []],
  ["proxies come and go", good("d1"), good("d1", { Programmed: "True: 5 of 5 proxies run it" }), []],
  ["a proxy that is new gets it", good("d1"), good("d1", { Programmed: "False: 4 of 5 proxies run it" }), []],
  [
    "another version comes",
    good("d1"),
    good("d2"),
    [
      "Normal Pulled d2",
      "Normal Verified d2; signed by key k",
      "Normal Validated d2",
      "Normal Programmed d2; 4 of 4 proxies run it",
    ],
  ],
  ["the registry is away", pending, unreachable("T1"), ["Warning PullFailed Unavailable: no answer"]],
  ["it is away still", unreachable("T1"), unreachable("T2"), []],
  [
    "a version is refused",
    good("d1"),
    {
      ...good("d2", { Validated: "False Trap: unreachable", Degraded: "True LastGoodServed: d1 stays" }),
      lastGood: { digest: "d1" },
    },
    [
      "Normal Pulled d2",
      "Normal Verified d2; signed by key k",
      "Warning Refused Trap: unreachable",
      "Warning Degraded LastGoodServed: d1 stays",
    ],
  ],
  ["a step is prepared", good("d1"), good("d1", {}, rollout("Progressing", 1, "preparing")), []],
  [
    "a step begins",
    good("d1", {}, rollout("Progressing", 1, "preparing")),
    good("d1", {}, rollout("Progressing", 1, "observing")),
    ["Normal RolloutStep d2 step 1 of 2 (weight 25)"],
  ],
  [
    "the next step begins",
    good("d1", {}, rollout("Progressing", 1, "observing")),
    good("d1", {}, rollout("Progressing", 2, "observing")),
    ["Normal RolloutStep d2 step 2 of 2 (weight 50)"],
  ],
  [
    "it is paused",
    good("d1", {}, rollout("Progressing", 1, "observing")),
    good("d1", {}, rollout("Paused", 1, "observing")),
    [],
  ],
  [
    "it goes back",
    good("d1", {}, rollout("Progressing", 1, "observing")),
    good("d1", { Degraded: "True RolledBack: why" }, rollout("RolledBack", 1, "observing")),
    ["Warning RolledBack why"],
  ],
  [
    "it is complete",
    good("d1", {}, rollout("Progressing", 2, "observing")),
    good("d1", {}, rollout("Completed", 2, "observing")),
    ["Normal RolloutCompleted why"],
  ],
  ["there was none before the first version", pending, { ...pending, ...rollout("Completed", 2, "observing") }, []],
  ["a file is nonsense", { conditions: 7, rollout: [], digest: {} }, { conditions: [null], rollout: "x" }, []],
])("when %s", (_name, before, after, expected) => {
  expect(brief(before, after)).toEqual(expected);
});
