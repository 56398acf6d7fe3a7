/* The budget in a real Envoy with several workers: never exceeded, and nothing of it lost. */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";
import { cluster, httpListener, type RunningEnvoy, send, startEnvoy, wasmFilter } from "../../../test/envoy-static.js";
import { type FlakyUpstream, startFlakyUpstream, statistics, until } from "./flaky-upstream.js";

const WORKERS = 4;
const CONNECTIONS = 200;
const FAULT = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
const SLOT = "weft/out/15001/default";

let envoy: RunningEnvoy;
let upstream: FlakyUpstream;
let wasm: Uint8Array;
let dir: string;

/** What the slot's file says: the plugin with this configuration. */
async function writeSlot(configuration: object, version: string): Promise<void> {
  const [filter] = [wasmFilter({ wasm, name: "slot", configuration })] as { typed_config: object }[];
  const resource = {
    "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
    name: SLOT,
    typed_config: filter!.typed_config,
  };
  // Envoy sees a file that is moved into place.
  await writeFile(join(dir, "next.json"), JSON.stringify({ version_info: version, resources: [resource] }));
  await rename(join(dir, "next.json"), join(dir, "slot.json"));
}

const fixed = (tokens: number) => ({ minimum: tokens, maximum: tokens, tokensPerRequest: 0 });

beforeAll(async () => {
  upstream = await startFlakyUpstream();
  ({ wasm } = await buildPlugin("retry"));
  dir = await mkdtemp(join(tmpdir(), "weft-retry-"));
  await writeSlot({ budget: fixed(6) }, "1");
  const routes = [
    { match: { prefix: "/" }, route: { cluster: "up", retry_policy: { retry_back_off: { base_interval: "0.001s" } } } },
  ];
  const listener = (name: string, configuration: object, later: object[] = []) =>
    httpListener({ name, filters: [wasmFilter({ wasm, name, configuration }), ...later], routes });
  const slot = {
    name: SLOT,
    config_discovery: {
      config_source: { path_config_source: { path: join(dir, "slot.json"), watched_directory: { path: dir } } },
      type_urls: ["type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"],
    },
  };
  const abort = {
    name: "fault",
    typed_config: { "@type": FAULT, abort: { header_abort: {}, percentage: { numerator: 100 } } },
  };
  envoy = await startEnvoy({
    concurrency: WORKERS,
    resources: {
      clusters: [
        {
          ...cluster("up", upstream.port),
          circuit_breakers: {
            thresholds: [
              { max_retries: 100_000, max_requests: 100_000, max_connections: 100_000, max_pending_requests: 100_000 },
            ],
          },
        },
      ],
      listeners: [
        listener("four", { maxRetries: 2, budget: fixed(4) }),
        listener("earned", { maxRetries: 1, budget: { minimum: 0, maximum: 10, tokensPerRequest: 0.5 } }),
        listener("crowd-fixed", { budget: fixed(150) }),
        listener("crowd-large", { budget: fixed(2000) }),
        listener("crowd-earning", { budget: { minimum: 50, maximum: 500, tokensPerRequest: 0.2 } }),
        listener("crowd-spare", { budget: fixed(100_000) }),
        listener("contended", { budget: fixed(15) }),
        listener("quiet", { budget: fixed(1000) }),
        listener("aborted", { budget: fixed(3) }, [abort]),
        listener("leaving", { budget: fixed(9) }),
        httpListener({ name: "slot", filters: [slot], routes }),
      ],
    },
  });
});

afterAll(async () => {
  await envoy?.stop();
  await upstream?.stop();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});

async function call(listener: string, path: string, headers: Record<string, string> = {}) {
  const before = upstream.seen(path).times.length;
  const answer = await send({ port: envoy.ports.get(listener)!, path, headers });
  return { status: answer.status, tries: upstream.seen(path).times.length - before };
}

const retries = async () => (await statistics(envoy)).retries_total ?? 0;

/**
 * Waits until a listener's workers rest and have given back what they kept: then its budget has this balance. The gauge
 * is one for all listeners, so a request now and then makes this one write it again.
 */
async function rested(listener: string, tokens: number): Promise<void> {
  let polls = 0;
  await until(`${tokens} tokens`, async () => {
    if ((await statistics(envoy)).budget_tokens === tokens) return true;
    if (++polls % 100 === 0) await call(listener, "/200/poke");
    return false;
  });
}

/** Requests on so many connections at once. Resolves with how many tries each path had in all. */
async function crowd(listener: string, paths: readonly string[]): Promise<number> {
  const before = upstream.total;
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  await Promise.all(
    paths.map(
      (path) =>
        new Promise<void>((resolve, reject) => {
          const sent = request({ host: "127.0.0.1", port: envoy.ports.get(listener)!, path, agent }, (res) => {
            res.resume();
            res.on("end", resolve);
          });
          sent.on("error", reject);
          sent.end();
        }),
    ),
  );
  agent.destroy();
  return upstream.total - before;
}

const failing = (count: number, name: string) => Array.from({ length: count }, (_, i) => `/500/${name}-${i}`);

test("a budget of 4 is spent by what was really retried", async () => {
  const counted = await retries();
  const outcomes = [];
  for (let i = 0; i < 5; i++) {
    outcomes.push(await call("four", `/500,200/four-${i}`));
    // What was lent comes back when the request is logged, after the answer; the next finds it then.
    await until("the count", async () => (await retries()) >= counted + Math.min(i + 1, 4));
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

test.each([
  { listener: "crowd-fixed", requests: 3000, tokens: 150, least: 140 },
  // Of a large budget each worker keeps a part, so that not all of it is used to the last.
  { listener: "crowd-large", requests: 1500, tokens: 2000, least: 1500 },
  { listener: "crowd-earning", requests: 1000, tokens: 50 + 200, least: 200 },
])("$requests failing requests at once on $listener are retried at most $tokens times", async (crowded) => {
  const before = await retries();
  const tries = await crowd(crowded.listener, failing(crowded.requests, crowded.listener));
  const seen = tries - crowded.requests;
  expect(seen).toBeLessThanOrEqual(crowded.tokens);
  expect(seen).toBeGreaterThanOrEqual(crowded.least);
  // The plugin's account agrees with what the upstream saw.
  await until("the count", async () => (await retries()) - before >= seen);
  expect((await retries()) - before).toBe(seen);
});

test("after 3,000 requests without a failure the whole budget is there, and no more", async () => {
  await crowd(
    "quiet",
    Array.from({ length: 3000 }, () => "/200/quiet"),
  );
  await rested("quiet", 1000);
  const seen = (await crowd("quiet", failing(1000, "quiet"))) - 1000;
  expect(seen).toBeLessThanOrEqual(1000);
  expect(seen).toBeGreaterThanOrEqual(800);
});

test("after 6,000 requests that contended for 15 tokens there are 15", async () => {
  // So few that no worker keeps any: each request takes what it can have, and gives it back.
  await crowd(
    "contended",
    Array.from({ length: 6000 }, () => "/200/contended"),
  );
  await rested("contended", 15);
  const seen = [];
  for (let i = 0; i < 7; i++) seen.push((await call("contended", `/500/contended-${i}`)).tries - 1);
  expect(seen).toEqual([3, 3, 3, 3, 3, 0, 0]);
});

test("every sixth of 60 requests at once fails at first, and none is seen to", async () => {
  const paths = Array.from({ length: 60 }, (_, i) => (i % 6 === 0 ? `/500,200/many-${i}` : `/200/many-${i}`));
  // A budget for all: those under way hold three tokens each.
  const answers = await Promise.all(paths.map((path) => call("crowd-spare", path)));
  expect(answers.map((answer) => answer.status)).toEqual(paths.map(() => 200));
});

test("a request that a later filter answers costs nothing", async () => {
  for (let i = 0; i < 20; i++) {
    expect((await call("aborted", "/200/aborted", { "x-envoy-fault-abort-request": "418" })).status).toBe(418);
  }
  await until("four tries", async () => (await call("aborted", "/500,500,500,200/aborted")).tries === 4);
});

test("a client that leaves costs the retries that were made", async () => {
  for (let i = 0; i < 3; i++) {
    const path = `/500,500,never/leaving-${i}`;
    const counted = await retries();
    const leaving = request({ host: "127.0.0.1", port: envoy.ports.get("leaving")!, path, agent: false });
    leaving.on("error", () => {});
    leaving.end();
    await until("the third try", () => upstream.seen(path).times.length === 3);
    leaving.destroy();
    await until("the count", async () => (await retries()) === counted + 2);
  }
  // Three of nine are left: one request may use them, the next has none.
  expect((await call("leaving", "/500/leaving")).tries).toBe(4);
  expect((await call("leaving", "/500/leaving")).tries).toBe(1);
});

test("a change of configuration while a request is under way loses no token and makes none", async () => {
  // The old configuration lends 3 of 6 tokens to a request; one of them is used, and the answer takes its time.
  const path = "/500,never/slot";
  const counted = await retries();
  const leaving = request({ host: "127.0.0.1", port: envoy.ports.get("slot")!, path, agent: false });
  leaving.on("error", () => {});
  leaving.end();
  await until("the second try", () => upstream.seen(path).times.length === 2);

  await writeSlot({ maxRetries: 5, idempotencyHeader: "x-key", budget: fixed(6) }, "2");
  await until("the new configuration", async () => {
    const text = await envoy.admin("/stats?filter=extension_config_discovery.*config_reload$");
    return /: 2$/m.test(text);
  });
  // 3 of 6 are at hand, and 3 with the request that is under way.
  expect((await call("slot", "/500,200/slot-new")).tries).toBe(2);
  await until("the count", async () => (await retries()) === counted + 1);
  leaving.destroy();
  await until("the count", async () => (await retries()) === counted + 2);
  // 6, less one of the old request, less one of the new one.
  await rested("slot", 4);
  expect((await call("slot", "/500/slot-last")).tries).toBe(5);
  expect((await call("slot", "/500/slot-none")).tries).toBe(1);
});
