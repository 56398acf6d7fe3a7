import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";
import {
  cluster,
  httpListener,
  type RunningEnvoy,
  send,
  startEnvoy,
  startUpstream,
  type Upstream,
  wasmFilter,
} from "../../../test/envoy-static.js";

let envoy: RunningEnvoy;
let upstream: Upstream;
/* Tries seen by the upstream, per path; a path says what to answer to each: /500,500,200/name. */
const tries = new Map<string, number>();

beforeAll(async () => {
  upstream = await startUpstream((req, res) => {
    const path = req.url ?? "/";
    const seen = tries.get(path) ?? 0;
    tries.set(path, seen + 1);
    const statuses = (path.split("/")[1] ?? "200").split(",").map(Number);
    const status = statuses[Math.min(seen, statuses.length - 1)] ?? 200;
    if (status === 0) return; // Never: the per-try timeout ends it.
    res.writeHead(status, { "x-sent-retry-on": String(req.headers["x-envoy-retry-on"] ?? "none") }).end("body");
  });
  const { wasm } = await buildPlugin("retry");
  const listener = (name: string, configuration: object) =>
    httpListener({
      name,
      filters: [wasmFilter({ wasm, name, configuration })],
      routes: [
        {
          match: { prefix: "/" },
          route: { cluster: "up", retry_policy: { retry_back_off: { base_interval: "0.001s" } } },
        },
      ],
    });
  envoy = await startEnvoy({
    concurrency: 2,
    resources: {
      clusters: [
        {
          ...cluster("up", upstream.port),
          circuit_breakers: { thresholds: [{ max_retries: 1000 }] },
        },
      ],
      listeners: [
        listener("default", { budget: { minimum: 1000, maximum: 1000 } }),
        listener("codes", { statusCodes: [429, 409], maxRetries: 1 }),
        listener("timeout", { perTryTimeoutMs: 200, retryOn: "5xx" }),
        listener("budget", { maxRetries: 2, budget: { minimum: 4, maximum: 4, tokensPerRequest: 0 } }),
        listener("none", { budget: { minimum: 0, maximum: 0, tokensPerRequest: 0 } }),
        listener("earned", { maxRetries: 1, budget: { minimum: 0, maximum: 10, tokensPerRequest: 0.5 } }),
      ],
    },
  });
});

afterAll(async () => {
  await envoy?.stop();
  await upstream?.stop();
});

const call = async (listener: string, path: string, method = "GET") => {
  const before = tries.get(path) ?? 0;
  const answer = await send({ port: envoy.ports.get(listener)!, path, method });
  return { status: answer.status, tries: (tries.get(path) ?? 0) - before };
};

test.each([
  ["default", "GET", "/500,200/a", { status: 200, tries: 2 }],
  ["default", "GET", "/500,503,502,200/b", { status: 200, tries: 4 }],
  ["default", "GET", "/500/c", { status: 500, tries: 4 }],
  ["default", "GET", "/200/d", { status: 200, tries: 1 }],
  ["default", "GET", "/429/e", { status: 429, tries: 1 }],
  ["default", "POST", "/500/f", { status: 500, tries: 1 }],
  ["default", "PUT", "/500,200/g", { status: 200, tries: 2 }],
  ["codes", "GET", "/429,200/h", { status: 200, tries: 2 }],
  ["codes", "GET", "/409,409,200/i", { status: 409, tries: 2 }],
  ["timeout", "GET", "/0,200/j", { status: 200, tries: 2 }],
  ["none", "GET", "/500/k", { status: 500, tries: 1 }],
])("%s: %s %s is seen as %o", async (listener, method, path, expected) => {
  expect(await call(listener, path, method)).toEqual(expected);
});

async function metric(name: string): Promise<number> {
  const text = await envoy.admin(`/stats?filter=${name}`);
  return Number(/: (\d+)/.exec(text)?.[1] ?? 0);
}

/* on_log runs after the answer has left. */
async function settled(name: string, least: number): Promise<number> {
  for (let i = 0; i < 600; i++) {
    const value = await metric(name);
    if (value >= least) return value;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return metric(name);
}

test("a budget of 4 is spent by what was really retried", async () => {
  const counted = await metric("weft_retry_retries_total");
  const outcomes = [];
  for (let i = 0; i < 5; i++) {
    outcomes.push(await call("budget", `/500,200/budget-${i}`));
    // Each retry is counted when its reservation is settled; the next request finds what it gave back.
    await settled("weft_retry_retries_total", counted + Math.min(i + 1, 4));
  }
  expect(outcomes).toEqual([
    ...Array.from({ length: 4 }, () => ({ status: 200, tries: 2 })),
    { status: 500, tries: 1 },
  ]);
});

test("requests earn tokens", async () => {
  const tried = [];
  for (let i = 0; i < 6; i++) tried.push((await call("earned", `/500/earned-${i}`)).tries);
  expect(tried).toEqual([1, 2, 1, 2, 1, 2]);
});

test("every sixth of 60 requests at once fails at first, and none is seen to", async () => {
  const paths = Array.from({ length: 60 }, (_, i) => (i % 6 === 0 ? `/500,200/many-${i}` : `/200/many-${i}`));
  const answers = await Promise.all(paths.map((path) => call("default", path)));
  expect(answers.map((answer) => answer.status)).toEqual(paths.map(() => 200));
});
