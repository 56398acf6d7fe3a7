/* Which requests Envoy sends again, and what is counted of them. */
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type H2Server, h2Cluster, sendH2, startH2Server } from "../../../sdk/test/h2.js";
import { buildPlugin } from "../../../test/build-plugin.js";
import { cluster, httpListener, type RunningEnvoy, send, startEnvoy, wasmFilter } from "../../../test/envoy-static.js";
import { type FlakyUpstream, meshRoute, startFlakyUpstream, statistics, until } from "./flaky-upstream.js";

const MANY = { minimum: 100_000, maximum: 100_000 };

let envoy: RunningEnvoy;
let upstream: FlakyUpstream;
let h2: H2Server;
/** gRPC tries by path. */
const grpcTries = new Map<string, number>();

beforeAll(async () => {
  upstream = await startFlakyUpstream();
  // /x.Flaky/<status>,<status>/…: the gRPC status of each try, or `refuse`.
  h2 = await startH2Server((stream, headers) => {
    const path = headers[":path"] ?? "";
    const seen = grpcTries.get(path) ?? 0;
    grpcTries.set(path, seen + 1);
    const steps = (path.split("/")[2] ?? "0").split(",");
    const step = steps[Math.min(seen, steps.length - 1)] ?? "0";
    if (step === "refuse") stream.close(7);
    else {
      stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": step }, { endStream: true });
    }
  });
  const { wasm } = await buildPlugin("retry");
  const plain = (to: string) => ({
    match: { prefix: "/" },
    route: { cluster: to, retry_policy: { retry_back_off: { base_interval: "0.001s" } } },
  });
  const listener = (name: string, configuration: object, route: object = plain("up")) =>
    httpListener({
      name,
      // One VM for all but the one without tokens, as they share the budget: it starts sooner.
      filters: [
        wasmFilter({
          wasm,
          name,
          vmId: name === "none" ? "none" : "all",
          configuration: { budget: MANY, ...configuration },
        }),
      ],
      routes: [route],
    });
  const limits = { circuit_breakers: { thresholds: [{ max_retries: 1000 }] } };
  const dead = await startFlakyUpstream();
  await dead.stop();
  envoy = await startEnvoy({
    concurrency: 2,
    resources: {
      clusters: [
        { ...cluster("up", upstream.port), ...limits },
        { ...h2Cluster(cluster("grpc", h2.port)), ...limits },
        { ...cluster("dead", dead.port), ...limits },
        { ...cluster("tight", upstream.port), circuit_breakers: { thresholds: [{ max_retries: 0 }] } },
      ],
      listeners: [
        listener("default", {}),
        listener("codes", { statusCodes: [429, 409], maxRetries: 1 }),
        listener("timeout", { perTryTimeoutMs: 200, retryOn: "5xx" }),
        listener("none", { budget: { minimum: 0, maximum: 0, tokensPerRequest: 0 } }),
        listener("rules", {
          rules: [
            { pathPrefix: "/500/off", maxRetries: 0 },
            { pathPrefix: "/500/once", maxRetries: 1 },
            { pathPrefix: "/500/search", methods: ["POST"], idempotent: true },
          ],
        }),
        listener("always", { nonIdempotent: "always" }),
        listener("dead", { nonIdempotent: "unprocessed" }, plain("dead")),
        listener("tight", {}, plain("tight")),
        listener("grpc", { rules: [{ pathPrefix: "/x.Flaky/", idempotent: true }] }, plain("grpc")),
        listener("mesh", { statusCodes: [429], retryOn: "connect-failure" }, meshRoute("up")),
        listener("mesh-unprocessed", { nonIdempotent: "unprocessed" }, meshRoute("up")),
        listener("mesh-otherwise", { otherwise: "route" }, meshRoute("up")),
        listener("mesh-grpc", { grpcRetryOn: "internal", nonIdempotent: "always" }, meshRoute("grpc")),
        listener("mesh-grpc-never", {}, meshRoute("grpc")),
        httpListener({ name: "mesh-alone", filters: [], routes: [meshRoute("up")] }),
      ],
    },
  });
});

afterAll(async () => {
  await envoy?.stop();
  await Promise.all([upstream?.stop(), h2?.stop()]);
});

interface CallOptions {
  method?: string;
  headers?: Record<string, string>;
}

async function call(listener: string, path: string, { method = "GET", headers = {} }: CallOptions = {}) {
  const before = upstream.seen(path).times.length;
  const answer = await send({ port: envoy.ports.get(listener)!, path, method, headers });
  return { status: answer.status, tries: upstream.seen(path).times.length - before };
}

const POST: CallOptions = { method: "POST" };
const KEY: CallOptions = { method: "POST", headers: { "idempotency-key": "8e03978e" } };
/* What a client would like; the connection manager takes it away. */
const FORGED: CallOptions = {
  method: "POST",
  headers: {
    "x-envoy-retry-on": "5xx",
    "x-envoy-max-retries": "5",
    "x-envoy-retriable-status-codes": "500",
    "x-envoy-upstream-rq-per-try-timeout-ms": "1",
  },
};

test.each<[string, string, CallOptions, { status: number; tries: number }]>([
  ["default", "/500,200/a", {}, { status: 200, tries: 2 }],
  ["default", "/500,503,502,200/a", {}, { status: 200, tries: 4 }],
  ["default", "/500/a", {}, { status: 500, tries: 4 }],
  ["default", "/200/a", {}, { status: 200, tries: 1 }],
  ["default", "/429/a", {}, { status: 429, tries: 1 }],
  ["default", "/reset,200/a", {}, { status: 200, tries: 2 }],
  ["default", "/500/b", POST, { status: 500, tries: 1 }],
  ["default", "/500/c", FORGED, { status: 500, tries: 1 }],
  ["default", "/500,200/b", KEY, { status: 200, tries: 2 }],
  ["default", "/500,200/c", { method: "PUT" }, { status: 200, tries: 2 }],
  ["default", "/500/d", { method: "PATCH" }, { status: 500, tries: 1 }],
  ["codes", "/429,200/a", {}, { status: 200, tries: 2 }],
  ["codes", "/409,409,200/a", {}, { status: 409, tries: 2 }],
  ["timeout", "/never,200/a", {}, { status: 200, tries: 2 }],
  ["none", "/500/e", {}, { status: 500, tries: 1 }],
  ["rules", "/500/off", {}, { status: 500, tries: 1 }],
  ["rules", "/500/once", {}, { status: 500, tries: 2 }],
  ["rules", "/500/search", POST, { status: 500, tries: 4 }],
  ["rules", "/500/f", POST, { status: 500, tries: 1 }],
  ["always", "/500,200/d", POST, { status: 200, tries: 2 }],
  ["tight", "/500/g", {}, { status: 500, tries: 1 }],
  // The route's own conditions hold where the plugin has none, and never besides those of the plugin.
  ["mesh-alone", "/503/a", POST, { status: 503, tries: 3 }],
  ["mesh-alone", "/500/h", POST, { status: 500, tries: 1 }],
  ["mesh", "/503/b", {}, { status: 503, tries: 1 }],
  ["mesh", "/503/c", POST, { status: 503, tries: 1 }],
  ["mesh", "/429,200/b", {}, { status: 200, tries: 2 }],
  ["mesh-unprocessed", "/503/d", POST, { status: 503, tries: 1 }],
  ["mesh-otherwise", "/503/e", POST, { status: 503, tries: 3 }],
  ["mesh-otherwise", "/500/i", {}, { status: 500, tries: 4 }],
])("%s: %s %o is seen as %o", async (listener, path, options, expected) => {
  expect(await call(listener, path, options)).toEqual(expected);
  // The router keeps what it was told.
  expect(upstream.seen(path).routerHeaders).toEqual([]);
});

test("waits as long as Retry-After says", async () => {
  const path = "/wait,200/a";
  expect(await call("mesh", path)).toEqual({ status: 200, tries: 2 });
  const [first = 0, second = 0] = upstream.seen(path).times;
  expect(second - first).toBeGreaterThanOrEqual(995);
});

describe("gRPC", () => {
  const grpc = async (listener: string, path: string) => {
    const headers = { "content-type": "application/grpc", te: "trailers" };
    const answer = await sendH2({ port: envoy.ports.get(listener)!, path, headers, body: ["\0\0\0\0\0"] });
    return { status: answer.headers["grpc-status"], tries: grpcTries.get(path) ?? 0 };
  };

  test.each([
    ["grpc", "/x.Flaky/14,0/a", { status: "0", tries: 2 }],
    ["grpc", "/x.Flaky/14/a", { status: "14", tries: 4 }],
    ["grpc", "/x.Flaky/13/a", { status: "13", tries: 1 }],
    ["grpc", "/x.Flaky/refuse,0/a", { status: "0", tries: 2 }],
    ["grpc", "/x.Other/14/a", { status: "14", tries: 1 }],
    ["mesh-grpc", "/x.Flaky/13,0/a", { status: "0", tries: 2 }],
    ["mesh-grpc", "/x.Flaky/14/b", { status: "14", tries: 1 }],
    ["mesh-grpc-never", "/x.Flaky/14/c", { status: "14", tries: 1 }],
  ])("%s: %s is seen as %o", async (listener, path, expected) => {
    expect(await grpc(listener, path)).toEqual(expected);
  });
});

describe("what is counted", () => {
  /* How the plugin's counters change. The budget's gauge comes and goes. */
  async function change(act: () => Promise<unknown>, expected: Record<string, number>): Promise<void> {
    const before = await statistics(envoy);
    await act();
    let changes: Record<string, number> = {};
    await until(JSON.stringify(expected), async () => {
      const after = await statistics(envoy);
      changes = Object.fromEntries(
        Object.entries(after)
          .filter(([name]) => name.includes("_total"))
          .map(([name, value]) => [name, value - (before[name] ?? 0)] as const)
          .filter(([, value]) => value !== 0),
      );
      return Object.entries(expected).every(([name, value]) => (changes[name] ?? 0) >= value);
    });
    expect(changes).toEqual(expected);
  }

  test.each<[string, string, CallOptions, Record<string, number>]>([
    ["default", "/500,200/m", {}, { retries_total: 1, succeeded_total: 1 }],
    ["default", "/500/m", {}, { retries_total: 3, "exhausted_total;reason=5xx": 1 }],
    ["default", "/reset/m", {}, { retries_total: 3, "exhausted_total;reason=reset": 1 }],
    ["codes", "/429/m", {}, { retries_total: 1, "exhausted_total;reason=retriable_status": 1 }],
    ["timeout", "/never/m", {}, { retries_total: 3, "exhausted_total;reason=per_try_timeout": 1 }],
    ["dead", "/200/m", POST, { retries_total: 3, "exhausted_total;reason=connect_failure": 1 }],
    ["default", "/500,404/m", {}, { retries_total: 1, succeeded_total: 1 }],
    ["mesh", "/429,503/m", {}, { retries_total: 1, "stopped_total;reason=5xx": 1 }],
    ["default", "/500/n", POST, { "not_retried_total;reason=not_idempotent": 1 }],
    ["rules", "/500/off", {}, { "not_retried_total;reason=rule": 1 }],
    ["none", "/500/o", {}, { budget_exhausted_total: 1 }],
  ])("%s %s %o: %o", async (listener, path, options, expected) => {
    await change(() => call(listener, path, options), expected);
  });

  test("gRPC: a status, and a stream that was refused", async () => {
    const port = envoy.ports.get("grpc")!;
    const headers = { "content-type": "application/grpc", te: "trailers" };
    const all = { retries_total: 3 };
    const send = (path: string) => () => sendH2({ port, path, headers, body: ["\0\0\0\0\0"] });
    await change(send("/x.Flaky/14/m"), { ...all, "exhausted_total;reason=grpc_status": 1 });
    await change(send("/x.Flaky/refuse/m"), { ...all, "exhausted_total;reason=refused": 1 });
  });

  test("a client that leaves", async () => {
    const path = "/500,never/m";
    await change(
      async () => {
        const leaving = request({ host: "127.0.0.1", port: envoy.ports.get("default")!, path, agent: false });
        leaving.on("error", () => {});
        leaving.end();
        await until("the second try", () => upstream.seen(path).times.length === 2);
        leaving.destroy();
      },
      { retries_total: 1, "stopped_total;reason=client_left": 1 },
    );
  });
});
