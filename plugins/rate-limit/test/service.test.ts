import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { PluginManifest } from "@weft/sdk/build";
import { createHost, type Host, type HostOptions } from "@weft/sdk/host";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  RateLimitResponse_Code as Code,
  RateLimitRequestSchema,
  RateLimitResponseSchema,
  RateLimitResponse_RateLimit_Unit as Unit,
} from "../../../control-plane/src/envoy-api/gen/envoy/service/ratelimit/v3/rls_pb.js";
import { buildPlugin } from "../../../test/build-plugin.js";

let wasm: Uint8Array;
let manifest: PluginManifest;
let host: Host;

beforeAll(async () => {
  ({ wasm, manifest } = await buildPlugin("rate-limit"));
});
afterEach(() => host?.close());

const LIMIT = {
  name: "users",
  requests: 2,
  unit: "minute",
  global: true,
  descriptor: [{ from: "header", name: "user" }],
};
const GLOBAL = { cluster: "limits", domain: "shop" };

async function start(config: object, options: HostOptions = {}): Promise<void> {
  host = await createHost(wasm, { rootId: "rate-limit", name: "rate-limit", config, ...options });
}

/** With one global limit and what a case adds to it. */
const single = (global: object = {}, more: object = {}, options: HostOptions = {}): Promise<void> =>
  start({ limits: [LIMIT], global: { ...GLOBAL, ...global }, ...more }, options);

const request = (headers: Record<string, string> = { user: "ann" }) => host.request({ path: "/cart", headers });

function answer(response: MessageInitShape<typeof RateLimitResponseSchema>): void {
  host.grpcCall.respond(toBinary(RateLimitResponseSchema, create(RateLimitResponseSchema, response)));
}

function status(code: Code, requestsPerUnit: number, limitRemaining: number, seconds: bigint) {
  return {
    code,
    currentLimit: { requestsPerUnit, unit: Unit.MINUTE },
    limitRemaining,
    durationUntilReset: { seconds, nanos: 0 },
  };
}

/** All that the module uses, except one host function. */
function allBut(name: string): string[] {
  return [...manifest.capabilities, ...manifest.callbacks].filter((used) => used !== name);
}

const metric = (name: string): number => Number(host.metrics.value(name) ?? 0n);
const failures = (reason: string): number => metric(`weft_rate_limit_service_failures;reason=${reason}`);
const outcomes = (limit: string, outcome: string): number =>
  metric(`weft_rate_limit_requests;limit=${limit};outcome=${outcome}`);

describe("the call", () => {
  test("names cluster, method and timeout, and has a descriptor for each limit that matches", async () => {
    await start({
      limits: [
        LIMIT,
        { name: "local", requests: 5, descriptor: [{ from: "method" }] },
        { name: "carts", requests: 7, unit: "hour", global: true, match: { pathPrefix: "/cart" } },
        { name: "orders", requests: 7, unit: "hour", global: true, match: { pathPrefix: "/order" } },
      ],
      global: { ...GLOBAL, timeoutMs: 70, sendLimits: true },
    });
    await request();
    expect(host.calls).toHaveLength(1);
    const call = host.grpcCall;
    expect(call).toMatchObject({
      cluster: "limits",
      service: "envoy.service.ratelimit.v3.RateLimitService",
      method: "ShouldRateLimit",
      timeoutMs: 70,
    });
    expect(fromBinary(RateLimitRequestSchema, call.message)).toEqual(
      create(RateLimitRequestSchema, {
        domain: "shop",
        descriptors: [
          { entries: [{ key: "user", value: "ann" }], limit: { requestsPerUnit: 2, unit: 2 } },
          { entries: [{ key: "generic_key", value: "carts" }], limit: { requestsPerUnit: 7, unit: 3 } },
        ],
      }),
    );
    answer({ overallCode: Code.OK });
  });

  test("is made by nobody where no limit is global, or none matches", async () => {
    await start({
      limits: [
        { ...LIMIT, match: { path: "/elsewhere" } },
        { name: "local", requests: 5 },
      ],
      global: GLOBAL,
    });
    expect((await request()).response?.status).toBe(200);
    expect(host.calls).toEqual([]);
  });

  test.each([
    ["an empty cluster", { ...GLOBAL, cluster: "" }],
    ["no cluster", { domain: "shop" }],
  ])("needs a cluster: %s is refused", async (_, global) => {
    await expect(start({ limits: [LIMIT], global })).rejects.toThrow(/limits\[0\].global.*global.cluster/s);
  });
});

describe("an answer", () => {
  test("is waited for; OK lets the request go, with what is left", async () => {
    await single();
    const exchange = await request();
    expect([exchange.finished, exchange.upstreamRequest]).toEqual([false, undefined]);
    answer({
      overallCode: Code.OK,
      statuses: [status(Code.OK, 20, 19, 31n)],
      responseHeadersToAdd: [{ key: "X-Plan", value: "gold" }],
    });
    await exchange.settled();
    expect(exchange.response?.status).toBe(200);
    expect(exchange.response?.headers).toEqual(
      expect.arrayContaining([
        ["x-plan", "gold"],
        // The service's own limit, whatever the plugin's configuration has.
        ["ratelimit-limit", "20"],
        ["ratelimit-remaining", "19"],
        ["ratelimit-reset", "31"],
        ["ratelimit-policy", "20;w=60"],
      ]),
    );
    expect(metric("weft_rate_limit_service_answers;code=ok")).toBe(1);
    expect(outcomes("users", "admitted")).toBe(1);
  });

  test("OVER_LIMIT refuses as a local limit does", async () => {
    await single();
    const exchange = await request();
    answer({
      overallCode: Code.OVER_LIMIT,
      statuses: [status(Code.OVER_LIMIT, 20, 0, 12n)],
      responseHeadersToAdd: [{ key: "x-plan", value: "gold" }],
    });
    await exchange.settled();
    expect(exchange.upstreamRequest).toBeUndefined();
    expect(exchange.localResponse?.details).toBe("weft_rate_limited");
    expect(exchange.response).toMatchObject({ status: 429, text: "rate limit exceeded\n" });
    expect(exchange.response?.headers).toEqual(
      expect.arrayContaining([
        ["retry-after", "12"],
        ["x-envoy-ratelimited", "true"],
        ["x-plan", "gold"],
        ["ratelimit-limit", "20"],
        ["ratelimit-remaining", "0"],
        ["ratelimit-reset", "12"],
      ]),
    );
    expect(metric("weft_rate_limit_service_answers;code=over_limit")).toBe(1);
    expect(outcomes("users", "limited")).toBe(1);
  });

  test("without statuses is for all limits", async () => {
    await single();
    const exchange = await request();
    answer({ overallCode: Code.OVER_LIMIT });
    await exchange.settled();
    expect(exchange.response?.status).toBe(429);
    expect(exchange.response?.headers.filter(([name]) => name.startsWith("ratelimit"))).toEqual([]);
    expect(exchange.response?.headers).toContainEqual(["retry-after", "1"]);
  });

  test("about a limit in dry run refuses nothing and is counted", async () => {
    await start({
      limits: [
        { ...LIMIT, dryRun: true },
        { ...LIMIT, name: "others" },
      ],
      global: GLOBAL,
    });
    const exchange = await request();
    answer({
      overallCode: Code.OVER_LIMIT,
      statuses: [status(Code.OVER_LIMIT, 20, 0, 12n), status(Code.OK, 30, 3, 12n)],
    });
    await exchange.settled();
    expect(exchange.response?.status).toBe(200);
    expect(exchange.response?.headers).toContainEqual(["ratelimit-limit", "30"]);
    expect([outcomes("users", "dry_run_limited"), outcomes("others", "admitted")]).toEqual([1, 1]);
  });

  test("that comes after its request has gone changes nothing", async () => {
    await single();
    const stream = host.http();
    const step = stream.requestHeaders({ ":method": "GET", ":path": "/", ":authority": "a", user: "ann" });
    expect(step.paused).toBe(true);
    stream.close();
    answer({ overallCode: Code.OVER_LIMIT });
    expect(outcomes("users", "limited")).toBe(0);
    const next = await request();
    answer({ overallCode: Code.OK });
    await next.settled();
    expect(next.response?.status).toBe(200);
  });

  test("for one of two requests goes to the right one", async () => {
    await single();
    const first = await request();
    const second = await request({ user: "bob" });
    const [a, b] = host.calls;
    const respond = (call: typeof a, overallCode: Code): void => {
      if (call?.kind !== "grpc") throw new Error("no gRPC call");
      call.respond(toBinary(RateLimitResponseSchema, create(RateLimitResponseSchema, { overallCode })));
    };
    respond(b, Code.OVER_LIMIT);
    respond(a, Code.OK);
    await Promise.all([first.settled(), second.settled()]);
    expect([first.response?.status, second.response?.status]).toEqual([200, 429]);
  });
});

describe("local limits beside it", () => {
  const both = { limits: [{ name: "proxy", requests: 1, unit: "hour" }, LIMIT], global: GLOBAL };

  test("go first: what they refuse costs no call", async () => {
    await start(both);
    const first = await request();
    answer({ overallCode: Code.OK, statuses: [status(Code.OK, 20, 19, 5n)] });
    await first.settled();
    expect(first.response?.headers).toEqual(
      expect.arrayContaining([
        ["ratelimit-limit", "1"],
        ["ratelimit-remaining", "0"],
        ["ratelimit-policy", "1;w=3600, 20;w=60"],
      ]),
    );
    const second = await request();
    expect(second.response?.status).toBe(429);
    expect(host.calls).toEqual([]);
  });

  test("get their token back for what the service refuses", async () => {
    await start(both);
    const first = await request();
    answer({ overallCode: Code.OVER_LIMIT });
    await first.settled();
    const second = await request();
    answer({ overallCode: Code.OK });
    await second.settled();
    expect([first.response?.status, second.response?.status]).toEqual([429, 200]);
  });
});

describe("without an answer", () => {
  const ways: [reason: string, happens: () => void, options?: () => HostOptions][] = [
    ["unavailable", () => host.grpcCall.fail(14, "connection refused")],
    ["timeout", () => host.clock.advance(50)],
    ["timeout", () => host.grpcCall.fail(4)],
    ["error", () => host.grpcCall.fail(2, "redis is away")],
    ["error", () => host.grpcCall.fail(12, "no such method")],
    ["bad_answer", () => host.grpcCall.respond("")],
    ["bad_answer", () => host.grpcCall.respond(Uint8Array.of(8, 9))],
    ["not_sent", () => {}, () => ({ capabilities: allBut("proxy_grpc_call") })],
  ];

  test.each(ways)("because of %s the local buckets decide", async (reason, happens, options) => {
    await single({ failures: 1000 }, {}, options?.());
    const statuses: (number | undefined)[] = [];
    for (let i = 0; i < 3; i++) {
      const exchange = await request();
      happens();
      await exchange.settled();
      statuses.push(exchange.response?.status);
    }
    expect(statuses).toEqual([200, 200, 429]);
    expect(failures(reason)).toBe(3);
    expect([outcomes("users", "admitted"), outcomes("users", "limited")]).toEqual([2, 1]);
  });

  test.each(ways)("because of %s every request is admitted with `open`", async (reason, happens, options) => {
    await single({ failures: 1000, failureMode: "open" }, {}, options?.());
    for (let i = 0; i < 4; i++) {
      const exchange = await request();
      happens();
      await exchange.settled();
      expect(exchange.response?.status).toBe(200);
    }
    expect(failures(reason)).toBe(4);
  });

  test.each(ways)("because of %s every request is refused with `closed`", async (reason, happens, options) => {
    await single({ failures: 1000, failureMode: "closed" }, {}, options?.());
    const exchange = await request();
    happens();
    await exchange.settled();
    expect(exchange.response).toMatchObject({ status: 503, text: "rate limit service unavailable\n" });
    expect(exchange.localResponse?.details).toBe("weft_rate_limit_service_unavailable");
    expect(failures(reason)).toBe(1);
  });

  test.each(["dryRun of the plugin", "dryRun of the limit"])("`closed` refuses nothing in %s", async (which) => {
    const dry = { dryRun: true };
    const global = { ...GLOBAL, failureMode: "closed" };
    if (which === "dryRun of the plugin") await start({ limits: [LIMIT], global, ...dry });
    else await start({ limits: [{ ...LIMIT, ...dry }], global });
    const exchange = await request();
    host.grpcCall.fail(14);
    await exchange.settled();
    expect(exchange.response?.status).toBe(200);
  });

  test.each(["local", "closed"])("what is refused with `%s` is given back to the local limits", async (failureMode) => {
    await start({
      limits: [
        { name: "proxy", requests: 3, unit: "hour" },
        { ...LIMIT, requests: 1 },
      ],
      global: { ...GLOBAL, failureMode },
    });
    let refused = 0;
    for (let i = 0; i < 3; i++) {
      const exchange = await request();
      host.grpcCall.fail(14);
      await exchange.settled();
      if (exchange.response?.status !== 200) refused++;
    }
    expect(refused).toBe(failureMode === "local" ? 2 : 3);
    // Of three tokens only those of admitted requests are gone.
    host.clock.advance(1000);
    const exchange = await request({ user: "bob" });
    answer({ overallCode: Code.OK });
    await exchange.settled();
    expect(exchange.response?.headers).toContainEqual(["ratelimit-remaining", failureMode === "local" ? "1" : "2"]);
  });
});

describe("a service that stays away", () => {
  test("is left alone after some failures in a row, and tried from time to time", async () => {
    await single({ failures: 3, retryAfterMs: 500, failureMode: "open" });
    const fail = async (): Promise<void> => {
      const exchange = await request();
      host.grpcCall.fail(14, "connection refused");
      await exchange.settled();
    };
    const left = async (): Promise<void> => {
      const before = host.calls.length;
      expect((await request()).response?.status).toBe(200);
      expect(host.calls).toHaveLength(before);
    };
    for (let i = 0; i < 3; i++) await fail();
    for (let i = 0; i < 5; i++) await left();
    expect([failures("unavailable"), failures("circuit_open")]).toEqual([3, 5]);
    host.clock.advance(499);
    await left();
    host.clock.advance(1);
    // One request tries it; the others need not wait for that.
    const tried = await request();
    await left();
    host.grpcCall.fail(14);
    await tried.settled();
    await left();
    host.clock.advance(500);
    const again = await request();
    answer({ overallCode: Code.OK });
    await again.settled();
    for (let i = 0; i < 3; i++) {
      const exchange = await request();
      expect(exchange.finished).toBe(false);
      answer({ overallCode: Code.OVER_LIMIT });
      await exchange.settled();
      expect(exchange.response?.status).toBe(429);
    }
    expect(
      host.logs.filter((entry) => entry.message.includes("rate limit service limits")).map((e) => e.level),
    ).toEqual(["warn", "info"]);
  });

  test("is not forgotten when the request that tries it goes away", async () => {
    await single({ failures: 1, retryAfterMs: 500, failureMode: "open" });
    const first = await request();
    host.grpcCall.fail(14);
    await first.settled();
    host.clock.advance(500);
    const stream = host.http();
    stream.requestHeaders({ ":method": "GET", ":path": "/", ":authority": "a", user: "ann" });
    stream.close();
    host.grpcCall.fail(14);
    host.clock.advance(500);
    const exchange = await request();
    answer({ overallCode: Code.OK });
    await exchange.settled();
    const next = await request();
    expect(next.finished).toBe(false);
    answer({ overallCode: Code.OK });
  });
});

test("no way in which a request ends keeps any memory", async () => {
  // What one request leaves behind would be a few hundred bytes.
  await single({ failures: 1000 }, {}, { limits: { memoryBytes: 1 << 20 } });
  const ends: (() => void)[] = [
    () => answer({ overallCode: Code.OK, statuses: [status(Code.OK, 9, 8, 1n)] }),
    () => answer({ overallCode: Code.OVER_LIMIT }),
    () => host.grpcCall.fail(14, "connection refused"),
    () => host.clock.advance(50),
  ];
  for (let i = 0; i < 4000; i++) {
    const exchange = await request({ user: `user ${i % 100}` });
    ends[i % ends.length]?.();
    await exchange.settled();
    expect(exchange.finished).toBe(true);
    const stream = host.http();
    stream.requestHeaders({ ":method": "GET", ":path": "/", ":authority": "a", user: "ann" });
    stream.close();
    host.clock.advance(50);
  }
});
