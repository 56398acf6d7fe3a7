import { createHost, type Host } from "@weft/sdk/host";
import { afterEach, beforeAll, expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";

let wasm: Uint8Array;
let host: Host;

beforeAll(async () => {
  ({ wasm } = await buildPlugin("rate-limit"));
});

afterEach(() => host.close());

interface Answer {
  status: number | undefined;
  headers: Record<string, string>;
  grpcStatus: number | undefined;
}

function start(config: object, options: object = {}): void {
  host = createHost(wasm, { rootId: "rate-limit", name: "limiter", vmId: "v", workers: 4, config, ...options });
}

async function ask(request: Parameters<Host["request"]>[0] = {}): Promise<Answer> {
  const { response, localResponse } = await host.request(request);
  return {
    status: response?.status,
    headers: Object.fromEntries(response?.headers ?? []),
    grpcStatus: localResponse?.grpcStatus,
  };
}

const hour = (name: string, requests: number, rest: object = {}) => ({ name, requests, unit: "hour", ...rest });
const byHeader = (name: string) => ({ descriptor: [{ from: "header", name }] });

async function statuses(count: number, request: (i: number) => Parameters<Host["request"]>[0]): Promise<unknown[]> {
  const seen = [];
  for (let i = 0; i < count; i++) seen.push((await ask(request(i))).status);
  return seen;
}

const repeat = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

test.each([1, 2, 5, 10, 100])(
  "a limit of %i admits exactly that many in a row, whichever worker has them",
  async (n) => {
    start({ limits: [hour("all", n)] });
    expect(await statuses(n + 5, (i) => ({ worker: i % 4 }))).toEqual([...repeat(n, 200), ...repeat(5, 429)]);
    expect(host.metrics.all()).toMatchObject({
      "weft_rate_limit_requests;limit=all;outcome=admitted": BigInt(n),
      "weft_rate_limit_requests;limit=all;outcome=limited": 5n,
    });
  },
);

test("tokens come back one by one, and who waits Retry-After seconds is admitted", async () => {
  start({ limits: [hour("all", 7)] });
  await statuses(7, (i) => ({ worker: i % 4 }));
  for (let i = 0; i < 20; i++) {
    const refused = await ask({ worker: i % 4 });
    expect(refused.status).toBe(429);
    const waitMs = Number(refused.headers["retry-after"]) * 1000;
    expect(waitMs).toBeLessThanOrEqual(515_000);
    host.clock.advance(waitMs - 1000);
    expect((await ask()).status).toBe(429);
    host.clock.advance(1000);
    expect((await ask({ worker: (i + 1) % 4 })).status).toBe(200);
  }
  host.clock.advance(3_600_000);
  expect(await statuses(8, () => ({}))).toEqual([...repeat(7, 200), 429]);
});

test("a request must pass every limit, and one that is refused costs no limit anything", async () => {
  start({ limits: [hour("all", 10), hour("each", 3, byHeader("x-user"))] });
  const user = (name: string) => () => ({ headers: { "x-user": name } });
  expect(await statuses(9, user("a"))).toEqual([...repeat(3, 200), ...repeat(6, 429)]);
  expect(await statuses(4, user("b"))).toEqual([...repeat(3, 200), 429]);
  expect(await statuses(4, user("c"))).toEqual([...repeat(3, 200), 429]);
  // The tenth of all; and what `all` refuses costs `each` nothing.
  expect(await statuses(5, user("d"))).toEqual([200, ...repeat(4, 429)]);
  const refused = await ask(user("d")());
  expect(refused.headers).toMatchObject({ "ratelimit-limit": "10", "ratelimit-remaining": "0", "retry-after": "360" });
  host.clock.advance(2 * 360_000);
  expect(await statuses(3, user("d"))).toEqual([200, 200, 429]);
  expect(host.metrics.all()).toMatchObject({
    "weft_rate_limit_requests;limit=all;outcome=admitted": 12n,
    "weft_rate_limit_requests;limit=each;outcome=admitted": 12n,
    "weft_rate_limit_requests;limit=all;outcome=limited": 5n,
    "weft_rate_limit_requests;limit=each;outcome=limited": 9n,
  });
});

test("where several refuse, the client waits for the last", async () => {
  start({ limits: [hour("short", 60, { burst: 1 }), hour("long", 1)] });
  expect((await ask()).status).toBe(200);
  const refused = await ask();
  expect(refused.headers).toMatchObject({
    "retry-after": "3600",
    "ratelimit-limit": "1",
    "ratelimit-reset": "3600",
    "ratelimit-policy": "60;w=3600;burst=1, 1;w=3600",
  });
});

test("structured header fields, and none", async () => {
  start({ limits: [hour("all", 5), hour("each", 2, byHeader("x-user"))], headers: "structured" });
  expect((await ask()).headers).toMatchObject({
    "ratelimit-policy": '"all";q=5;w=3600, "each";q=2;w=3600',
    ratelimit: '"each";r=1;t=1800',
  });
  host.close();
  start({ limits: [hour("all", 1)], headers: "off" });
  expect(Object.keys((await ask()).headers).filter((name) => name.startsWith("ratelimit"))).toEqual([]);
  expect((await ask()).headers["retry-after"]).toBe("3600");
});

test("a limit in dry run counts, refuses nothing and tells nothing", async () => {
  start({ limits: [hour("dry", 2, { dryRun: true }), hour("all", 4)] });
  expect(await statuses(5, () => ({}))).toEqual([...repeat(4, 200), 429]);
  expect((await ask()).headers["ratelimit-policy"]).toBe("4;w=3600");
  expect(host.metrics.all()).toMatchObject({
    "weft_rate_limit_requests;limit=dry;outcome=admitted": 2n,
    "weft_rate_limit_requests;limit=dry;outcome=dry_run_limited": 2n,
    "weft_rate_limit_requests;limit=all;outcome=admitted": 4n,
    "weft_rate_limit_requests;limit=all;outcome=limited": 2n,
  });
});

test("everything in dry run, with headers if wanted", async () => {
  start({ limits: [hour("all", 1)], dryRun: true });
  const silent = [await ask(), await ask()];
  expect(silent.map(({ status }) => status)).toEqual([200, 200]);
  expect(silent.map(({ headers }) => headers["ratelimit-limit"])).toEqual([undefined, undefined]);
  host.close();
  start({ limits: [hour("all", 1)], dryRun: true, dryRunHeaders: true });
  const told = [await ask(), await ask()];
  expect(told.map(({ status }) => status)).toEqual([200, 200]);
  expect(told.map(({ headers }) => headers["ratelimit-remaining"])).toEqual(["0", "0"]);
  expect(told.map(({ headers }) => headers["retry-after"])).toEqual([undefined, undefined]);
});

test("status, body and headers of the answer", async () => {
  start({ limits: [hour("all", 1)], status: 503, body: "later", grpcStatus: "UNAVAILABLE" });
  await ask();
  const { response, localResponse } = await host.request();
  expect(response?.status).toBe(503);
  expect(response?.text).toBe("later");
  expect(localResponse).toMatchObject({ details: "weft_rate_limited", grpcStatus: 14 });
  expect(response?.headers).toContainEqual(["x-envoy-ratelimited", "true"]);
});

test.each<[string, object, object, object]>([
  ["path", { pathPrefix: "/a" }, { path: "/ab?c" }, { path: "/b?/a" }],
  ["whole path", { path: "/a" }, { path: "/a?b" }, { path: "/a/" }],
  ["method", { methods: ["POST", "PUT"] }, { method: "PUT", body: "x" }, { method: "GET" }],
  ["a header", { headers: [{ name: "x-a" }] }, { headers: { "X-A": "" } }, { headers: { "x-b": "" } }],
  ["a value", { headers: [{ name: "x-a", exact: "1" }] }, { headers: { "x-a": "1" } }, { headers: { "x-a": "12" } }],
  [
    "a beginning",
    { headers: [{ name: "x-a", prefix: "1" }] },
    { headers: { "x-a": "12" } },
    { headers: { "x-a": "2" } },
  ],
  ["no header", { headers: [{ name: "x-a", invert: true }] }, {}, { headers: { "x-a": "2" } }],
  [
    "all of them",
    { pathPrefix: "/a", methods: ["GET"], headers: [{ name: "x-a" }, { name: "x-b" }] },
    { path: "/a", headers: { "x-a": "1", "x-b": "1" } },
    { path: "/a", headers: { "x-a": "1" } },
  ],
])("a limit matches by %s", async (_, match, inside, outside) => {
  start({ limits: [hour("all", 1, { match })] });
  expect(await statuses(2, () => inside)).toEqual([200, 429]);
  const other = await ask(outside);
  expect(other.status).toBe(200);
  expect(other.headers["ratelimit-limit"]).toBeUndefined();
});

const peer = (id: string) => ({ properties: { "connection.uri_san_peer_certificate": id } });
const from = (address: string) => ({ properties: { "source.address": address } });

/* Two requests with one descriptor, and one with another. */
test.each<[string, object, object, object, object]>([
  ["header", { from: "header", name: "X-User" }, { headers: { "x-user": "a" } }, { headers: { "x-user": "a" } }, {}],
  [
    "all values of a header",
    { from: "header", name: "x-user" },
    {
      headers: [
        ["x-user", "a"],
        ["x-user", "b"],
      ],
    },
    { headers: { "x-user": "a,b" } },
    { headers: { "x-user": "a" } },
  ],
  ["path", { from: "path" }, { path: "/a?1" }, { path: "/a?2" }, { path: "/b" }],
  ["method", { from: "method" }, {}, {}, { method: "HEAD" }],
  ["identity", { from: "sourceIdentity" }, peer("spiffe://t/a"), peer("spiffe://t/a"), peer("spiffe://t/b")],
  ["address", { from: "sourceAddress" }, from("10.0.0.1:1"), from("10.0.0.1:2"), from("10.0.0.2:1")],
  ["address 6", { from: "sourceAddress" }, from("[::1]:1"), from("[::1]:2"), from("[::2]:1")],
  ["query", { from: "query", name: "key" }, { path: "/?key=a%2Fb" }, { path: "/x?y&key=a/%62" }, { path: "/?key=a" }],
])("requests are told apart by %s", async (_, entry, one, same, other) => {
  start({ limits: [hour("all", 1, { descriptor: [entry] })] });
  expect(await statuses(2, (i) => (i === 0 ? one : same))).toEqual([200, 429]);
  expect(await statuses(2, () => other)).toEqual([200, 429]);
});

test("requests without the header share a limit, or have none", async () => {
  start({ limits: [hour("all", 1, byHeader("x-user"))] });
  expect(await statuses(2, () => ({}))).toEqual([200, 429]);
  host.close();
  start({ limits: [hour("all", 1, { descriptor: [{ from: "header", name: "x-user", ifMissing: "skip" }] })] });
  expect(await statuses(3, () => ({}))).toEqual([200, 200, 200]);
});

const ONE = { limits: [hour("all", 1)] };

test("two plugins in one VM have buckets of their own, unless they name one scope", async () => {
  const plugin = (name: string, config: object) => ({ rootId: "rate-limit", name, config });
  host = createHost(wasm, {
    vmId: "v",
    plugins: [
      plugin("a", ONE),
      plugin("b", ONE),
      plugin("c", { ...ONE, scope: "common" }),
      plugin("d", { ...ONE, scope: "common" }),
    ],
  });
  const seen = [];
  for (const name of ["a", "b", "c", "d", "a", "b"]) seen.push((await ask({ plugin: name })).status);
  expect(seen).toEqual([200, 200, 200, 429, 429, 429]);
});

/* What is left of a limit after a change of the configuration. */
test.each<[string, object, object, number, number]>([
  ["no change", hour("a", 10), hour("a", 10), 4, 6],
  ["a larger limit", hour("a", 2), hour("a", 3), 2, 1],
  ["a smaller limit", hour("a", 10), hour("a", 5), 4, 1],
  ["a much smaller limit", hour("a", 1000), hour("a", 2), 500, 0],
  ["another unit", hour("a", 10), { name: "a", requests: 10, unit: "day" }, 4, 6],
  ["another burst", hour("a", 10), hour("a", 10, { burst: 20 }), 4, 16],
  ["another name", hour("a", 10), hour("b", 10), 4, 10],
])("what was taken stays taken: %s", async (_, before, after, taken, left) => {
  start({ limits: [before] });
  await statuses(taken, (i) => ({ worker: i % 4 }));
  const next = createHost(wasm, {
    rootId: "rate-limit",
    name: "limiter",
    vmId: "v",
    config: { limits: [after] },
    process: host,
  });
  host.close();
  host = next;
  expect(await statuses(left + 1, () => ({}))).toEqual([...repeat(left, 200), 429]);
  // A bucket that became smaller is empty, not in debt.
  const wait = Number((await ask()).headers["retry-after"]) * 1000;
  host.clock.advance(wait);
  expect((await ask()).status).toBe(200);
});
