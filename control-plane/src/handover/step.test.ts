import { expect, it } from "vitest";
import { type JoiningView, type LeavingView, mayAnnounce, phaseAt } from "./step.js";

const S = 1_000;
const left = (over: Partial<LeavingView>): LeavingView => ({ phase: "told", sinceMs: 0, hasSisters: false, ...over });

it.each<[string, Partial<LeavingView>, number, string]>([
  ["callers do not know yet", {}, 59 * S, "told"],
  ["callers never answer", {}, 60 * S, "draining"],
  ["callers have just learned it", { knownSinceMs: 10 * S }, 11 * S, "told"],
  ["callers know", { knownSinceMs: 10 * S }, 12 * S, "draining"],
  ["callers know, and others may be elsewhere", { knownSinceMs: 0, hasSisters: true }, 9 * S, "told"],
  ["others had their time", { knownSinceMs: 0, hasSisters: true }, 10 * S, "draining"],
  ["nobody takes its place yet", { phase: "announced" }, 59 * S, "announced"],
  ["nobody ever takes its place", { phase: "announced" }, 60 * S, "told"],
  ["connections are open", { phase: "draining" }, 49 * S, "draining"],
  ["no connection can be left", { phase: "draining" }, 50 * S, "over"],
])("leaving: %s", (_what, over, nowMs, phase) => {
  expect(phaseAt(left(over), nowMs)).toBe(phase);
});

it.each<[string, Partial<JoiningView>, number, boolean]>([
  ["no sidecar came", {}, 3_600 * S, false],
  ["its sidecar has not accepted its listeners", { isConnected: true }, 3_600 * S, false],
  ["its workers may not listen yet", { isConnected: true, listeningSinceMs: 0 }, 400, false],
  ["its sidecar listens", { isConnected: true, listeningSinceMs: 0 }, 500, true],
  ["its sidecar may be with a sister, which takes its time", { hasSisters: true }, 29 * S, false],
  ["its sidecar is with a sister, as far as can be known", { hasSisters: true }, 30 * S, true],
  ["it is here, and has not accepted", { hasSisters: true, isConnected: true }, 30 * S, false],
])("joining: %s", (_what, over, nowMs, announced) => {
  expect(mayAnnounce({ sinceMs: 0, isConnected: false, hasSisters: false, ...over }, nowMs)).toBe(announced);
});
