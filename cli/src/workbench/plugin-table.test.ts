import { expect, test } from "vitest";
import { type PluginRow, pluginTable } from "./plugin-table.js";

const condition = (type: string, status = "True", reason = type, message = "") => ({ type, status, reason, message });
const GOOD = [
  ...["Accepted", "Resolved", "Verified", "Validated", "Programmed"].map((type) => condition(type)),
  condition("Degraded", "False", "AsWanted"),
];
const row = (name: string, change: Partial<PluginRow> = {}): PluginRow => ({
  namespace: "default",
  name,
  phase: "default",
  digest: `sha256:${"0123456789abcdef".repeat(4)}`,
  proxies: { matched: 3, acked: 3, rejected: 0 },
  conditions: GOOD,
  ...change,
});
const replace = (...changed: ReturnType<typeof condition>[]) =>
  GOOD.map((old) => changed.find(({ type }) => type === old.type) ?? old);

test("a line for each plugin, and why not below those that are not as they should be", () => {
  const refused = replace(
    condition("Validated", "False", "ConfigRefused", "limit must be a number\nin line 2"),
    condition("Degraded", "True", "LastGoodServed", "sha256:old stays in force"),
  );
  const pending = replace(
    condition("Resolved", "Unknown", "Pending", "it is being looked up"),
    condition("Verified", "Unknown", "Pending", "an earlier step failed"),
  );
  const rejected = { matched: 10, acked: 8, rejected: 2, lastError: "no" };
  expect(
    pluginTable([
      row("canary"),
      row("rate-limit", { phase: "authz", conditions: refused, proxies: rejected }),
      row("retry", { conditions: pending }),
      { namespace: "shop", name: "new", conditions: [] },
    ]),
  ).toEqual([
    "PLUGIN              PHASE    DIGEST        MATCHED  ACKED  REJECTED  STATE",
    "default/canary      default  0123456789ab  3        3      0         ok",
    "default/rate-limit  authz    0123456789ab  10       8      2         Validated=False Degraded=True",
    "    Validated: ConfigRefused: limit must be a number in line 2",
    "    Degraded: LastGoodServed: sha256:old stays in force",
    "default/retry       default  0123456789ab  3        3      0         Resolved=Unknown Verified=Unknown",
    "    Resolved: Pending: it is being looked up",
    "shop/new            -        -             -        -      -         no status",
  ]);
});

test("a rollout has a column where there is one", () => {
  const rollout = { state: "RolledBack", step: 1, steps: 3, weight: 5, message: "5xx 12% against 0%", since: "x" };
  const done = { ...rollout, state: "Completed", step: 3, weight: 100, message: "all proxies run it" };
  expect(
    pluginTable([row("a", { rollout }), row("b"), row("c", { rollout: done }), row("d", { rollout: {} })]),
  ).toEqual([
    "PLUGIN     PHASE    DIGEST        MATCHED  ACKED  REJECTED  ROLLOUT             STATE",
    "default/a  default  0123456789ab  3        3      0         RolledBack 1/3 5%   ok",
    "    Rollout: RolledBack: 5xx 12% against 0%",
    "default/b  default  0123456789ab  3        3      0         -                   ok",
    "default/c  default  0123456789ab  3        3      0         Completed 3/3 100%  ok",
    "default/d  default  0123456789ab  3        3      0                             ok",
  ]);
});

test("what others wrote cannot move the cursor", () => {
  const conditions = replace(condition("Accepted", "False", "X\u001b[2J", "a\rb"));
  const text = pluginTable([row("a\u001b", { conditions })]).join("\n");
  for (const control of ["\u001b", "\r"]) expect(text).not.toContain(control);
});

test("without plugins there is only the head", () => {
  expect(pluginTable([])).toEqual(["PLUGIN  PHASE  DIGEST  MATCHED  ACKED  REJECTED  STATE"]);
});
