import { expect, test } from "vitest";
import { eventTable } from "./event-table.js";

test("what happened is a line each, and its text cannot move the cursor", () => {
  const time = "2026-01-01T00:00:00.000Z";
  const regarding = { kind: "WasmPlugin", namespace: "default", name: "hello" };
  const event = { regarding, type: "Warning", reason: "Refused", count: 3, firstTime: time, lastTime: time } as const;
  expect(eventTable([{ ...event, message: "Trap: \u001b[2J\nunreachable" }])).toEqual([
    "LAST SEEN                 TYPE     REASON   PLUGIN         COUNT  MESSAGE",
    "2026-01-01T00:00:00.000Z  Warning  Refused  default/hello  3      Trap: \ufffd[2J unreachable",
  ]);
});
