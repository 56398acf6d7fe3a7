import { expect, test } from "vitest";
import { createKeyedLock } from "./keyed-lock.js";

test("equal keys wait for each other, also after a failure; others don't", async () => {
  const lock = createKeyedLock();
  const log: string[] = [];
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const first = lock("a", async () => {
    await gate;
    log.push("a1");
    throw new Error("a1 failed");
  });
  const second = lock("a", async () => void log.push("a2"));
  await lock("b", async () => void log.push("b"));
  open();
  await expect(first).rejects.toThrow("a1 failed");
  await second;
  expect(log).toEqual(["b", "a1", "a2"]);
});
