import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningRedis, redisMissing, startRedis } from "./redis.js";

const missing = redisMissing();

describe.skipIf(missing)(`Redis for tests${missing ? ` (skipped: ${missing})` : ""}`, () => {
  let redis: RunningRedis;

  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  it("answers commands, and two of them know nothing of each other", async () => {
    expect(await redis.command("SET requests 1")).toBe("+OK");
    expect(await redis.command("INCR requests")).toBe(":2");
    const other = await startRedis();
    try {
      expect(await other.command("INCR requests")).toBe(":1");
    } finally {
      await other.stop();
    }
    await expect(other.command("PING")).rejects.toThrow("ECONNREFUSED");
  });
});
