import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";
import {
  type Answer,
  cluster,
  httpListener,
  type RunningEnvoy,
  send,
  startEnvoy,
  startUpstream,
  type Upstream,
  wasmFilter,
} from "../../../test/envoy-static.js";

const WORKERS = 4;
let limiter: RunningEnvoy;
let upstream: Upstream;
let caller: RunningEnvoy;
let triesAtUpstream = 0;

const hour = (name: string, requests: number, rest: object = {}) => ({ name, requests, unit: "hour", ...rest });
const byUser = { descriptor: [{ from: "header", name: "x-user" }] };
const COUNTS = [1, 2, 3, 10, 100, 1000];

beforeAll(async () => {
  const { wasm } = await buildPlugin("rate-limit");
  const listener = (name: string, configuration: object) =>
    httpListener({ name, filters: [wasmFilter({ wasm, name, vmId: "one", configuration })] });
  limiter = await startEnvoy({
    concurrency: WORKERS,
    resources: {
      listeners: [
        ...COUNTS.map((count) => listener(`row-${count}`, { limits: [hour(`row-${count}`, count)] })),
        listener("rush", { limits: [hour("rush", 40)] }),
        listener("two", { limits: [hour("two-all", 30), hour("two-each", 9, byUser)] }),
        listener("crowd", { limits: [hour("crowd", 1, byUser)], slots: 8 }),
        listener("short", { limits: [{ name: "short", requests: 1, burst: 1 }] }),
        listener("address", { limits: [hour("address", 1, { descriptor: [{ from: "sourceAddress" }] })] }),
        listener("grpc", { limits: [hour("grpc", 1)] }),
        listener("called", { limits: [hour("called", 1)] }),
        // One scope, as after a change of configuration: the bucket is the same.
        listener("before", { limits: [hour("changed", 2)], scope: "changed" }),
        listener("after", { limits: [hour("changed", 3)], scope: "changed" }),
      ],
    },
  });
  upstream = await startUpstream((_, res) => {
    triesAtUpstream++;
    res.writeHead(429).end();
  });
  const retry_policy = { retry_on: "retriable-status-codes", retriable_status_codes: [429], num_retries: 2 };
  const toCluster = (name: string) => [{ match: { prefix: "/" }, route: { cluster: name, retry_policy } }];
  caller = await startEnvoy({
    resources: {
      clusters: [cluster("limited", limiter.ports.get("called")!), cluster("plain", upstream.port)],
      listeners: ["limited", "plain"].map((name) => httpListener({ name, filters: [], routes: toCluster(name) })),
    },
  });
});

afterAll(async () => {
  await caller?.stop();
  await limiter?.stop();
  await upstream?.stop();
});

/* On a connection of its own, so that any worker may have it. */
const get = (listener: string, user?: string, headers: Record<string, string> = {}) =>
  send({
    port: limiter.ports.get(listener)!,
    headers: { ...headers, ...(user === undefined ? {} : { "x-user": user }) },
  });

async function series(listener: string, count: number): Promise<Answer[]> {
  const answers = [];
  for (let i = 0; i < count; i++) answers.push(await get(listener));
  return answers;
}

const statuses = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status);
const repeat = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

async function counter(name: string): Promise<number> {
  const stats = await limiter.admin(`/stats?filter=${name.replaceAll(".", "\\.")}`);
  return Number(/: (\d+)/.exec(stats)?.[1] ?? 0);
}

test.each(COUNTS)(
  `a limit of %i admits exactly that many in a row over ${WORKERS} workers`,
  async (count) => {
    expect(statuses(await series(`row-${count}`, count + 3))).toEqual([...repeat(count, 200), 429, 429, 429]);
    expect(await counter(`weft_rate_limit_requests;limit=row-${count};outcome=admitted`)).toBe(count);
    expect(await counter(`weft_rate_limit_requests;limit=row-${count};outcome=limited`)).toBe(3);
  },
  60_000,
);

test("every worker took part in that", async () => {
  for (let worker = 0; worker < WORKERS; worker++) {
    const stats = await limiter.admin(`/stats?filter=worker_${worker}.downstream_cx_total`);
    expect(Math.max(...Array.from(stats.matchAll(/: (\d+)/g), (match) => Number(match[1])))).toBeGreaterThan(0);
  }
});

test("what the client is told", async () => {
  const [last] = await series("row-10", 1);
  const wait = Number(last!.headers["retry-after"]);
  expect(wait).toBeGreaterThan(0);
  expect(wait).toBeLessThanOrEqual(360);
  expect(last!.headers).toMatchObject({
    "ratelimit-limit": "10",
    "ratelimit-remaining": "0",
    "ratelimit-reset": String(wait),
    "ratelimit-policy": "10;w=3600",
    "x-envoy-ratelimited": "true",
  });
  expect(last!.body).toBe("rate limit exceeded\n");
});

test(`a limit of 40 admits exactly 40 of 200 that come at once to ${WORKERS} workers`, async () => {
  const answers = await Promise.all(repeat(200, 0).map(() => get("rush")));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(40);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(160);
});

test("two limits under a rush: neither is exceeded, and no token gets lost", async () => {
  const users = ["a", "b", "c", "d"];
  const rush = await Promise.all(repeat(200, 0).map((_, i) => get("two", users[i % 4])));
  let admitted = rush.filter(({ status }) => status === 200).length;
  expect(admitted).toBeLessThanOrEqual(30);
  // What is left, one after the other.
  for (let i = 0; i < 60; i++) if ((await get("two", `late-${i % 6}`)).status === 200) admitted++;
  expect(admitted).toBe(30);
  expect(await counter("weft_rate_limit_contended")).toBe(0);
});

test("more descriptors than slots share a bucket, and are counted", async () => {
  const seen = [];
  for (let i = 0; i < 12; i++) seen.push((await get("crowd", `user-${i}`)).status);
  expect(seen).toEqual([...repeat(9, 200), 429, 429, 429]);
  expect(await counter("weft_rate_limit_descriptors_shared")).toBe(4);
});

test("who waits Retry-After seconds is admitted", async () => {
  // On a slow machine a token may come back between two requests.
  let refused = await get("short");
  for (let i = 0; i < 100 && refused.status === 200; i++) refused = await get("short");
  expect(refused.status).toBe(429);
  await new Promise((resolve) => setTimeout(resolve, Number(refused.headers["retry-after"]) * 1000 + 10));
  expect((await get("short")).status).toBe(200);
});

test("two connections from one address", async () => {
  expect(statuses(await series("address", 2))).toEqual([200, 429]);
});

test("a gRPC client gets a gRPC status", async () => {
  const headers = { "content-type": "application/grpc" };
  await get("grpc", undefined, headers);
  const refused = await get("grpc", undefined, headers);
  expect(refused.status).toBe(200);
  expect(refused.headers).toMatchObject({ "grpc-status": "8", "content-type": "application/grpc" });
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
});

test("a calling Envoy does not retry what was limited, as it does any other 429", async () => {
  const call = (name: string) => send({ port: caller.ports.get(name)! });
  expect((await call("limited")).status).toBe(200);
  expect((await call("limited")).status).toBe(429);
  expect(await counter("weft_rate_limit_requests;limit=called;outcome=limited")).toBe(1);
  expect((await call("plain")).status).toBe(429);
  expect(triesAtUpstream).toBe(3);
});

test("what was taken under one configuration counts under the next", async () => {
  expect(statuses(await series("before", 3))).toEqual([200, 200, 429]);
  expect(statuses(await series("after", 2))).toEqual([200, 429]);
});
