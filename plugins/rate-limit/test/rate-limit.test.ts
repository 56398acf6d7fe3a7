import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";
import { httpListener, type RunningEnvoy, send, startEnvoy, wasmFilter } from "../../../test/envoy-static.js";

const WORKERS = 2;
let envoy: RunningEnvoy;

beforeAll(async () => {
  const { wasm } = await buildPlugin("rate-limit");
  const listener = (name: string, configuration: object, vmId = name) =>
    httpListener({ name, filters: [wasmFilter({ wasm, name, vmId, configuration })] });
  envoy = await startEnvoy({
    concurrency: WORKERS,
    resources: {
      listeners: [
        listener("sequential", { limit: 5, windowSeconds: 3600 }),
        listener("parallel", { limit: 40, windowSeconds: 3600 }),
        listener("keys", { limit: 2, windowSeconds: 3600, keyHeader: "x-key", pathPrefix: "/limited", status: 503 }),
        listener("crowded", { limit: 1, windowSeconds: 3600, keyHeader: "x-key" }),
        listener("short", { limit: 1, windowSeconds: 1 }),
        // One VM id, as after a change of configuration: the bucket is the same.
        listener("before", { limit: 2, windowSeconds: 3600 }, "same"),
        listener("after", { limit: 3, windowSeconds: 3600 }, "same"),
      ],
    },
  });
});

afterAll(() => envoy?.stop());

const get = (listener: string, path = "/", headers: Record<string, string> = {}) =>
  send({ port: envoy.ports.get(listener)!, path, headers });

test("a limit of 5 admits exactly 5 in a row, then says when to come back", async () => {
  const answers = [];
  for (let i = 0; i < 8; i++) answers.push(await get("sequential"));
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
  expect(answers.map((answer) => answer.headers["ratelimit-remaining"])).toEqual([
    ..."43210".split(""),
    ..."000".split(""),
  ]);
  const refused = answers[5]!;
  expect(refused.headers["ratelimit-limit"]).toBe("5");
  expect(refused.headers["ratelimit-policy"]).toBe("5;w=3600");
  const wait = Number(refused.headers["retry-after"]);
  expect(wait).toBeGreaterThan(3000);
  expect(wait).toBeLessThanOrEqual(3600);
  expect(refused.headers["ratelimit-reset"]).toBe(refused.headers["retry-after"]);
  expect(answers[0]!.headers["retry-after"]).toBeUndefined();
});

test(`a limit of 40 admits exactly 40 of 200 that come at once to ${WORKERS} workers`, async () => {
  const answers = await Promise.all(Array.from({ length: 200 }, () => get("parallel")));
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(40);
  expect(answers.filter((answer) => answer.status === 429)).toHaveLength(160);
  for (let worker = 0; worker < WORKERS; worker++) {
    const stats = await envoy.admin(`/stats?filter=worker_${worker}.downstream_cx_total`);
    expect(Math.max(...Array.from(stats.matchAll(/: (\d+)/g), (match) => Number(match[1])))).toBeGreaterThan(0);
  }
});

test("each key has its own limit, and other paths have none", async () => {
  for (const key of ["a", "b"]) {
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await get("keys", "/limited/x", { "x-key": key })).status);
    expect(statuses).toEqual([200, 200, 503]);
  }
  const other = await get("keys", "/other", { "x-key": "a" });
  expect(other.status).toBe(200);
  expect(other.headers["ratelimit-limit"]).toBeUndefined();
});

/* The SDK's hash64 over again: the test needs keys that want the same slot. */
function hash64(text: string): bigint {
  const mask = (1n << 64n) - 1n;
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    const unit = BigInt(text.charCodeAt(i));
    hash = ((hash ^ (unit & 0xffn)) * 0x100000001b3n) & mask;
    hash = ((hash ^ (unit >> 8n)) * 0x100000001b3n) & mask;
  }
  hash = ((hash ^ (hash >> 33n)) * 0xff51afd7ed558ccdn) & mask;
  hash = ((hash ^ (hash >> 33n)) * 0xc4ceb9fe1a85ec53n) & mask;
  return hash ^ (hash >> 33n);
}

test("of five keys that want one slot four have a bucket of their own, and the fifth shares the first's", async () => {
  const slot = hash64("key-0") % 4096n;
  const keys: string[] = [];
  for (let i = 0; keys.length < 5; i++) if (hash64(`key-${i}`) % 4096n === slot) keys.push(`key-${i}`);
  const statuses = async () => {
    const seen = [];
    for (const key of keys) seen.push((await get("crowded", "/", { "x-key": key })).status);
    return seen;
  };
  expect(await statuses()).toEqual([200, 200, 200, 200, 429]);
  expect(await statuses()).toEqual([429, 429, 429, 429, 429]);
  expect(await envoy.admin("/stats?filter=weft_rate_limit_shared_buckets")).toContain("shared_buckets: 2");
});

test("who waits Retry-After seconds is admitted", async () => {
  // On a slow machine a window may end between two requests.
  let refused = await get("short");
  for (let i = 0; i < 100 && refused.status === 200; i++) refused = await get("short");
  expect(refused.status).toBe(429);
  await new Promise((resolve) => setTimeout(resolve, Number(refused.headers["retry-after"]) * 1000 + 10));
  expect((await get("short")).status).toBe(200);
});

test("what was taken under one configuration counts under the next", async () => {
  expect((await get("before")).status).toBe(200);
  expect((await get("before")).status).toBe(200);
  expect((await get("before")).status).toBe(429);
  expect((await get("after")).status).toBe(200);
  expect((await get("after")).status).toBe(429);
});
