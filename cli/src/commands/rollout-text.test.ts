import type { RolloutListing } from "@weft/control-plane/rollout-control";
import { expect, it } from "vitest";
import { rolloutText } from "./rollout-text.js";

const NOW = Date.parse("2026-01-01T00:05:00Z");
const listing = (over: Partial<RolloutListing>): RolloutListing => ({
  plugin: "default/hello",
  state: "Progressing",
  phase: "observing",
  step: 1,
  steps: 3,
  weight: 10,
  limit: 37,
  since: "2026-01-01T00:04:48Z",
  message: "well so far",
  version: "v2",
  digest: `sha256:${"b".repeat(64)}`,
  stable: `sha256:${"a".repeat(64)}`,
  proxies: { candidate: 1, stable: 3 },
  ...over,
});

it("is a table with a line for what comes next, or why it ended", () => {
  const { proxies: _, ...ended } = listing({ plugin: "shop/retry", state: "RolledBack", message: "5xx\n\u001b[31m" });
  expect(rolloutText([listing({}), { ...ended, since: "2026-01-01T00:00:00Z" }], NOW).split("\n")).toEqual([
    "PLUGIN         STATE        STEP  WEIGHT  IN FORCE      CANDIDATE     NEW/OLD PROXIES  SINCE",
    "default/hello  Progressing  1/3   10%     aaaaaaaaaaaa  bbbbbbbbbbbb  1/3              12s",
    "  next: well so far",
    "shop/retry     RolledBack   1/3   10%     aaaaaaaaaaaa  bbbbbbbbbbbb  -                5m",
    "  why: 5xx \ufffd[31m",
  ]);
});

it.each([
  ["2026-01-01T00:04:00Z", "60s"],
  ["2026-01-01T00:03:00Z", "2m"],
  ["2025-12-31T20:00:00Z", "4h"],
  ["2025-12-20T00:00:00Z", "12d"],
  ["2026-01-01T00:09:00Z", "0s"],
  ["never", "-"],
])("says how long ago %s is: %s", (since, expected) => {
  expect(rolloutText([listing({ since })], NOW).split("\n")[1]).toMatch(new RegExp(` ${expected}$`));
});
