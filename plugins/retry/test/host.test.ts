import { readFile } from "node:fs/promises";
import { type Host, type HostOptions, type HttpStream, load } from "@weft/sdk/host";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { buildPlugin } from "../../../test/build-plugin.js";
import { HostCalls } from "./host-calls.js";

const ATTEMPTS = "upstream.request_attempt_count";
const CAS_MISMATCH = 8;

let wasm: Uint8Array;
let calls: HostCalls;
const hosts: Host[] = [];

beforeAll(async () => {
  calls = new HostCalls();
  ({ wasm } = await buildPlugin("retry"));
});

afterEach(() => {
  for (const host of hosts.splice(0)) host.close();
  calls.refusals.clear();
});

afterAll(() => calls.restore());

async function start(config: object, options: HostOptions = {}): Promise<Host> {
  const host = await load(wasm, { rootId: "retry", config, ...options });
  hosts.push(host);
  return host;
}

interface Sent {
  readonly stream: HttpStream;
  /** What the router was told; undefined where the plugin set nothing. */
  readonly maxRetries: number | undefined;
  readonly headers: Record<string, string>;
  /** The request ends after so many tries; 0: it never came to the router. */
  end(attempts: number, outcome?: Record<string, bigint | string | undefined>): void;
}

interface RequestOptions {
  method?: string;
  path?: string;
  worker?: number;
  headers?: Record<string, string>;
}

function begin(host: Host, { method = "GET", path = "/", worker = 0, headers = {} }: RequestOptions = {}): Sent {
  const properties: Record<string, bigint | string | undefined> = {};
  const stream = host.http({ worker, properties });
  const request = { ":method": method, ":path": path, ":authority": "a.test", ":scheme": "http", ...headers };
  stream.requestHeaders({ "x-forwarded-proto": "http", ...request }, { endOfStream: true });
  const passed = new Map(stream.upstream.headers);
  const max = passed.get("x-envoy-max-retries");
  return {
    stream,
    maxRetries: max === undefined ? undefined : Number(max),
    headers: Object.fromEntries([...passed].filter(([name]) => name.startsWith("x-envoy-"))),
    end(attempts, outcome = {}) {
      Object.assign(properties, { [ATTEMPTS]: BigInt(attempts), "response.flags": 0n, ...outcome });
      stream.responseHeaders({ ":status": "200" }, { endOfStream: true });
      if (!stream.closed) stream.close();
    },
  };
}

const counters = (host: Host) =>
  Object.fromEntries(
    Object.entries(host.metrics.all()).flatMap(([name, value]) =>
      name.startsWith("weft_retry_") && name.includes("_total") && value !== 0n
        ? [[name.slice("weft_retry_".length), Number(value)]]
        : [],
    ),
  );

describe("what the router is told", () => {
  const DEFAULT = { "x-envoy-max-retries": "3", "x-envoy-retry-on": "5xx,reset,connect-failure" };
  const NONE = { "x-envoy-max-retries": "0" };
  const GRPC = { "content-type": "application/grpc" };
  const EVERYTHING = {
    retryOn: "reset, retriable-headers",
    statusCodes: [429, 503],
    retriableHeaders: ["x-again"],
    perTryTimeoutMs: 250,
    maxRetries: 2,
  };

  test.each<[string, object, RequestOptions, object]>([
    ["a GET", {}, {}, DEFAULT],
    ["a POST", {}, { method: "POST" }, NONE],
    ["a POST with a key", {}, { method: "POST", headers: { "idempotency-key": "1" } }, DEFAULT],
    ["a POST with an empty key", {}, { method: "POST", headers: { "idempotency-key": "" } }, NONE],
    ["a POST with another key", { idempotencyHeader: "x-key" }, { method: "POST", headers: { "X-Key": "1" } }, DEFAULT],
    [
      "a POST with a key that does not count",
      { idempotencyHeader: "" },
      { method: "POST", headers: { "idempotency-key": "1" } },
      NONE,
    ],
    ["a POST where that is wanted", { nonIdempotent: "always" }, { method: "POST" }, DEFAULT],
    ["a POST among the methods", { methods: ["POST"] }, { method: "POST" }, DEFAULT],
    ["a GET not among the methods", { methods: ["POST"] }, {}, NONE],
    [
      "a POST that no server has seen",
      { nonIdempotent: "unprocessed" },
      { method: "POST" },
      { ...DEFAULT, "x-envoy-retry-on": "connect-failure,refused-stream,reset-before-request" },
    ],
    ["a POST that is left to its route", { otherwise: "route" }, { method: "POST" }, {}],
    [
      "all options",
      EVERYTHING,
      {},
      {
        "x-envoy-max-retries": "2",
        "x-envoy-retry-on": "reset,retriable-headers,retriable-status-codes",
        "x-envoy-retriable-status-codes": "429,503",
        "x-envoy-retriable-header-names": "x-again",
        "x-envoy-upstream-rq-per-try-timeout-ms": "250",
      },
    ],
    ["gRPC", {}, { method: "POST", headers: GRPC }, NONE],
    [
      "gRPC that is idempotent",
      { rules: [{ pathPrefix: "/a.B/Get", idempotent: true }] },
      { method: "POST", path: "/a.B/Get", headers: GRPC },
      { ...DEFAULT, "x-envoy-retry-grpc-on": "unavailable" },
    ],
    [
      "gRPC without conditions of its own",
      { grpcRetryOn: "", nonIdempotent: "always" },
      { method: "POST", headers: GRPC },
      { ...DEFAULT, "x-envoy-retry-grpc-on": "" },
    ],
    ["a rule against it", { rules: [{ pathPrefix: "/off", maxRetries: 0 }] }, { path: "/off" }, NONE],
    [
      "the first rule that fits",
      { rules: [{ methods: ["PUT"] }, { pathPrefix: "/a", maxRetries: 1, retryOn: "reset" }, { maxRetries: 2 }] },
      { path: "/a/b" },
      { "x-envoy-max-retries": "1", "x-envoy-retry-on": "reset" },
    ],
    ["no token", { budget: { minimum: 0, maximum: 0 } }, {}, NONE],
    ["no token, and a route", { otherwise: "route", budget: { minimum: 0, maximum: 0 } }, {}, {}],
    ["few tokens", { budget: { minimum: 2 } }, {}, { ...DEFAULT, "x-envoy-max-retries": "2" }],
  ])("%s", async (_, config, request, expected) => {
    const sent = begin(await start(config), request);
    expect(sent.headers).toEqual(expected);
    sent.end(1);
  });
});

test("the demonstration's configuration", async () => {
  const file = new URL("../../../examples/demo/plugins/retry.yaml", import.meta.url);
  const { spec } = parse(await readFile(file, "utf8")) as { spec: { pluginConfig: object } };
  const sent = begin(await start(spec.pluginConfig));
  expect(sent.headers).toEqual({
    "x-envoy-max-retries": "3",
    "x-envoy-retry-on": "connect-failure,reset,retriable-status-codes",
    "x-envoy-retriable-status-codes": "500,502,503",
  });
  sent.end(1);
});

describe("configurations that are refused", () => {
  test.each([
    [{ retryOn: "5xx,conect-failure" }, 'field "retryOn" has the condition "conect-failure"; Envoy knows 5xx, '],
    [{ retryOn: "" }, 'field "retryOn" is ""; it must have'],
    [{ grpcRetryOn: "5xx" }, 'field "grpcRetryOn" has the condition "5xx"; it belongs in "retryOn"'],
    [{ retryOn: "retriable-status-codes" }, 'but field "statusCodes" is empty; name them there'],
    [
      { rules: [{}, { retryOn: "retriable-headers" }] },
      'field "rules[1].retryOn" has the condition "retriable-headers"',
    ],
    [{ statusCodes: [429, 42] }, 'field "statusCodes[1]" is 42; it must be a status from 200 to 599'],
    [{ retriableHeaders: ["a b"] }, 'field "retriableHeaders[0]" is "a b"; it must be the name of a header'],
    [{ methods: ["post"] }, 'field "methods[0]" is "post"; it must be a method in capital letters, such as "POST"'],
    [{ maxRetries: 11 }, 'field "maxRetries" is 11; it must be an integer from 1 to 10'],
    [{ nonIdempotent: "sometimes" }, 'it must be one of "never", "unprocessed", "always"'],
    [{ rules: [{ pathPrefix: "a" }] }, 'field "rules[0].pathPrefix" is "a"; it must match ^/'],
    [{ rules: [{ retryOn: "6xx" }] }, 'field "rules[0]": field "retryOn" has the condition "6xx"'],
    [{ budget: { tokensPerRequest: -1 } }, 'field "budget.tokensPerRequest" is -1'],
    [{ retries: 3 }, 'field "retries" is unknown'],
  ])("%o", async (config, message) => {
    const error = await load(wasm, { rootId: "retry", config }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "CONFIGURE", message: expect.stringContaining(message) as string });
  });
});

describe("what is counted", () => {
  test.each<[string, number, Record<string, bigint | string>, object]>([
    ["no retry", 1, {}, {}],
    ["no retry, and a failure", 1, { "response.code": 500n }, {}],
    ["a good end", 3, { "response.code": 200n }, { retries_total: 2, succeeded_total: 1 }],
    [
      "all retries used up",
      4,
      { "response.code": 503n, "response.flags": 1n << 15n },
      { retries_total: 3, "exhausted_total;reason=5xx": 1 },
    ],
    [
      "a failure with retries left",
      2,
      { "response.code": 504n, "response.flags": 4n, "response.code_details": "response_timeout" },
      { retries_total: 1, "stopped_total;reason=timeout": 1 },
    ],
    [
      "the client left",
      2,
      { "response.flags": 1n << 14n },
      { retries_total: 1, "stopped_total;reason=client_left": 1 },
    ],
  ])("%s", async (_, attempts, outcome, expected) => {
    const host = await start({});
    begin(host).end(attempts, outcome);
    expect(counters(host)).toEqual(expected);
  });

  test("what is not retried", async () => {
    const host = await start({ rules: [{ pathPrefix: "/off", maxRetries: 0 }], budget: { minimum: 1, maximum: 1 } });
    const holder = begin(host);
    for (const request of [{ path: "/off" }, { method: "POST" }, {}]) begin(host, request).end(1);
    holder.end(1);
    expect(counters(host)).toEqual({
      "not_retried_total;reason=rule": 1,
      "not_retried_total;reason=not_idempotent": 1,
      budget_exhausted_total: 1,
    });
  });
});

describe("the budget", () => {
  const FIXED = { tokensPerRequest: 0 };

  /** Tokens that can be had at this moment, by a request that holds none in the end. */
  function available(host: Host, worker = 0): number {
    const probes = [];
    for (let total = 0; ; ) {
      const probe = begin(host, { worker });
      probes.push(probe);
      total += probe.maxRetries ?? 0;
      if (probe.maxRetries !== 0) continue;
      for (const each of probes) each.end(1);
      return total;
    }
  }

  test.each([
    ["answered at once", 1],
    ["answered by another filter before the router", 0],
  ])("gets back what a request that was %s did not use", async (_, attempts) => {
    const host = await start({ budget: { ...FIXED, minimum: 6, maximum: 6 } });
    for (let i = 0; i < 10; i++) {
      const sent = begin(host);
      expect(sent.maxRetries).toBe(3);
      sent.end(attempts);
    }
  });

  test("gets back what it lent to a request whose client left", async () => {
    const host = await start({ budget: { ...FIXED, minimum: 3, maximum: 3 } });
    const sent = begin(host);
    sent.stream.close();
    expect(available(host)).toBe(3);
  });

  test("is spent by retries alone", async () => {
    const host = await start({ budget: { ...FIXED, minimum: 6, maximum: 6 } });
    begin(host).end(3);
    begin(host).end(1);
    begin(host).end(4);
    expect(available(host)).toBe(1);
  });

  test("is not spent twice where another filter asked for more retries", async () => {
    const host = await start({ maxRetries: 1, budget: { ...FIXED, minimum: 5, maximum: 5 } });
    begin(host).end(9);
    expect(available(host)).toBe(4);
    expect(counters(host)).toMatchObject({ retries_total: 8 });
  });

  test("is one for all workers, and an idle one keeps nothing", async () => {
    const host = await start({ budget: { ...FIXED, minimum: 1000, maximum: 1000 } }, { workers: 2 });
    const first = begin(host, { worker: 0 });
    first.end(1);
    // The first keeps a part of it for a moment.
    expect(available(host, 1)).toBeLessThan(1000);
    host.clock.advance(2000);
    expect(available(host, 1)).toBe(1000);
  });

  test("survives a change of configuration, whichever way the old one goes", async () => {
    const budget = { ...FIXED, minimum: 100, maximum: 100 };
    const old = await load(wasm, { rootId: "retry", config: { budget } });
    begin(old).end(4);
    const last = begin(old);
    expect(last.maxRetries).toBe(3);
    last.end(3);
    old.close();
    const next = await start({ budget }, { process: old });
    expect(available(next)).toBe(95);
  });

  test("survives a VM that is gone with its tokens: they count as used, and room for new ones comes back", async () => {
    const budget = { tokensPerRequest: 100, minimum: 100, maximum: 100 };
    const gone = await load(wasm, { rootId: "retry", config: { budget } });
    for (let i = 0; i < 10; i++) begin(gone);
    const next = await start({ budget }, { process: gone });
    expect(available(next)).toBeLessThanOrEqual(70);
    // Its clock is the next one's: both stand still but for this.
    next.clock.advance(30_000);
    begin(next).end(1);
    expect(available(next)).toBe(100);
  });

  test("keeps what a long request has", async () => {
    const host = await start({ budget: { tokensPerRequest: 100, minimum: 3, maximum: 3 } });
    const long = begin(host);
    expect(long.maxRetries).toBe(3);
    for (let i = 0; i < 60; i++) {
      host.clock.advance(1000);
      const other = begin(host);
      expect(other.maxRetries).toBe(0);
      other.end(1);
    }
    long.end(1);
    expect(available(host)).toBe(3);
  });

  test("loses nothing where the workers cannot agree", async () => {
    const host = await start({ budget: { ...FIXED, minimum: 6, maximum: 6 } });
    const sent = begin(host);
    calls.refusals.set("proxy_set_shared_data", { status: CAS_MISMATCH, times: 20 });
    sent.end(1);
    expect(counters(host)).toEqual({ budget_contended_total: 1 });
    // What could not be given back is at hand for the next.
    expect(available(host)).toBe(6);
  });

  test("is right where two workers are at it at the same moment", async () => {
    const host = await start({ budget: { ...FIXED, minimum: 9, maximum: 9 } }, { workers: 2 });
    const first = begin(host);
    const second = begin(host, { worker: 1 });
    // One does all it does between the other's reading and its writing.
    let third: Sent | undefined;
    calls.before.set("proxy_set_shared_data", () => {
      third = begin(host, { worker: 1 });
    });
    const fourth = begin(host);
    expect([first, second, third, fourth].map((sent) => sent?.maxRetries)).toEqual([3, 3, 3, 0]);
    calls.before.set("proxy_set_shared_data", () => second.end(2));
    first.end(2);
    third?.end(1);
    fourth.end(1);
    expect(available(host)).toBe(7);
  });

  test("lends nothing it cannot be sure of", async () => {
    const host = await start({ budget: { ...FIXED, minimum: 6, maximum: 6 } });
    calls.refusals.set("proxy_set_shared_data", { status: CAS_MISMATCH, times: 16 });
    const sent = begin(host);
    expect(sent.maxRetries).toBe(0);
    sent.end(1);
    expect(available(host)).toBe(6);
  });

  /* Seeded, so that a failure can be seen again. */
  function random(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  test.each([
    { seed: 1, minimum: 20, maximum: 20, tokensPerRequest: 0 },
    { seed: 2, minimum: 200, maximum: 1000, tokensPerRequest: 0.2 },
    { seed: 3, minimum: 1000, maximum: 1000, tokensPerRequest: 0 },
    { seed: 4, minimum: 0, maximum: 50, tokensPerRequest: 0.5 },
  ])("is never exceeded, in whatever order things happen: $seed", async ({ seed, ...budget }) => {
    const workers = 4;
    const host = await start({ budget }, { workers });
    const below = random(seed);
    const open: Sent[] = [];
    let begun = 0;
    let used = 0;
    for (let i = 0; i < 4000; i++) {
      const action = below(10);
      if (action < 5 && open.length < 60) {
        begun++;
        open.push(begin(host, { worker: below(workers) }));
      } else if (action < 9 && open.length > 0) {
        const [sent] = open.splice(below(open.length), 1);
        const retries = below((sent?.maxRetries ?? 0) + 1);
        used += retries;
        sent?.end(1 + retries);
      } else if (below(20) === 0) host.clock.advance(below(4000));
      const lent = open.reduce((sum, sent) => sum + (sent.maxRetries ?? 0), 0);
      expect(used + lent).toBeLessThanOrEqual(budget.minimum + begun * budget.tokensPerRequest + 1e-6);
      expect(lent).toBeLessThanOrEqual(Math.max(budget.minimum, budget.maximum));
    }
    expect(used).toBeGreaterThan(budget.minimum / 2);
    for (const sent of open) sent.end(1);
    host.clock.advance(3000);
    if (budget.tokensPerRequest === 0) expect(available(host)).toBe(budget.minimum - used);
  });
});

describe("host calls of one request", () => {
  test.each<[string, object, RequestOptions, object]>([
    [
      "a GET that is answered at once",
      {},
      {},
      { get_header_map_value: 1, replace_header_map_value: 2, get_property: 1 },
    ],
    [
      "as in the demonstration",
      { retryOn: "connect-failure,reset,retriable-status-codes", statusCodes: [500, 502, 503] },
      {},
      { get_header_map_value: 1, replace_header_map_value: 3, get_property: 1 },
    ],
    [
      "a GET with rules by path",
      { rules: [{ pathPrefix: "/a" }] },
      { path: "/b" },
      { get_header_map_value: 1, get_header_map_pairs: 1, replace_header_map_value: 2, get_property: 1 },
    ],
    [
      "a GET where no worker may keep tokens: an exchange before and one after",
      { budget: { minimum: 9, maximum: 9, tokensPerRequest: 0 } },
      {},
      {
        clock_time_get: 2,
        get_shared_data: 2,
        set_shared_data: 2,
        record_metric: 2,
        get_header_map_value: 1,
        replace_header_map_value: 2,
        get_property: 1,
      },
    ],
    [
      "a POST",
      {},
      { method: "POST" },
      { get_header_map_value: 1, get_header_map_pairs: 1, increment_metric: 1, replace_header_map_value: 1 },
    ],
  ])("%s", async (_, config, request, expected) => {
    const host = await start({ budget: { minimum: 1000 }, ...config });
    // The first one takes tokens from the account, and defines metrics.
    for (let i = 0; i < 2; i++) begin(host, request).end(1);
    calls.take();
    begin(host, request).end(1);
    const counts = Object.entries(calls.take()).map(([name, count]) => [name.replace("proxy_", ""), count] as const);
    expect(Object.fromEntries(counts)).toEqual(expected);
  });
});
