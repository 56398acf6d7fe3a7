import { expect, test } from "vitest";
import { describeMachine, machine } from "./machine.js";

const quiet = { cpu: "a CPU", cores: 2, memoryBytes: 8e9, kernel: "6.1", node: "20.0.0", load: 0.1 };

test("a machine is described, and one that was busy is warned of", () => {
  expect(describeMachine(quiet)).toBe("2 × a CPU, 8 GB, Linux 6.1, Node 20.0.0; load at the start 0.10");
  expect(describeMachine({ ...quiet, load: 3 })).toContain("load at the start 3.00 (busy");
});

test("this machine has cores and memory", () => {
  const { cores, memoryBytes } = machine();
  expect(cores).toBeGreaterThan(0);
  expect(memoryBytes).toBeGreaterThan(1e8);
});
