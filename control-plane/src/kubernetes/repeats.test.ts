import { expect, it } from "vitest";
import { withoutRepeats } from "./repeats.js";

it("tells a message again after a minute, and others at once", () => {
  const told: string[] = [];
  let nowMs = 0;
  const tell = withoutRepeats(
    (message) => told.push(message),
    () => nowMs,
  );
  for (const [atMs, message] of [
    [0, "a"],
    [1_000, "a"],
    [2_000, "b"],
    [59_999, "a"],
    [60_000, "a"],
    [61_000, "a"],
  ] as const) {
    nowMs = atMs;
    tell(message);
  }
  expect(told).toEqual(["a", "b", "a"]);
});

it("remembers no more than it can hold", () => {
  let count = 0;
  const tell = withoutRepeats(
    () => {
      count++;
    },
    () => 0,
  );
  for (let i = 0; i < 1_000; i++) tell(String(i));
  tell("999");
  tell("0");
  expect(count).toBe(1_001);
});
