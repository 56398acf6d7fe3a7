import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";
import {
  type Answer,
  EnvoyRefusedError,
  httpListener,
  type RunningEnvoy,
  send,
  startEnvoy,
  wasmFilter,
} from "../../../test/envoy-static.js";

/* The routes that the mesh makes for a plugin that requires subsetRoutes. */
const answer = (body: string) => ({ direct_response: { status: 200, body: { inline_string: body } } });
const routes = [
  ...["v2", "v3"].map((subset) => ({
    match: { prefix: "/", filter_state: [{ key: "wasm.weft.subset", string_match: { exact: subset } }] },
    ...answer(subset),
  })),
  { match: { prefix: "/" }, ...answer("v1") },
];

const RULES = {
  debugHeader: "x-decided",
  claimHeaders: { group: "x-jwt-group" },
  rules: [
    {
      name: "health",
      match: [{ path: { exact: "/health" } }],
      split: [{ subset: "v2", percentage: 0 }],
    },
    { name: "forced", match: [{ headers: { "x-canary": { regex: "v[23]|always" } } }], subset: "v2" },
    {
      name: "testers",
      match: [{ claims: { group: { exact: "testers" } } }, { cookies: { beta: { exact: "on" } } }],
      subset: "v3",
    },
    { name: "query", match: [{ queryParams: { v: { exact: "a b" } }, method: { exact: "POST" } }], subset: "v2" },
    {
      name: "hosts",
      match: [{ host: { suffix: ".shop" }, headers: { "x-no": { present: true, not: true } } }],
      subset: "v3",
    },
    {
      name: "elsewhere",
      match: [{ source: { workload: "backend-1" } }, { source: { labels: { app: "backend" } } }],
      subset: "v2",
    },
    {
      name: "here",
      match: [{ source: { workload: "frontend-1", namespace: "default" }, path: { prefix: "/here" } }],
      subset: "v2",
    },
    {
      name: "labels",
      match: [{ source: { labels: { "example.com/app": "frontend" } }, path: { prefix: "/labels" } }],
      subset: "v3",
    },
  ],
};
const share = (percentage: number, more: object = {}) => ({
  rules: [
    {
      name: "users",
      split: [
        { subset: "v2", percentage },
        { subset: "v3", percentage: 25 },
      ],
      key: [{ header: "x-user-id" }],
      ...more,
    },
  ],
});

let wasm: Uint8Array;
let envoy: RunningEnvoy;

beforeAll(async () => {
  ({ wasm } = await buildPlugin("canary"));
  const listener = (name: string, configuration: object) =>
    httpListener({
      name,
      routes,
      filters: [wasmFilter({ wasm, name, vmId: "canary", rootId: "canary", configuration })],
    });
  envoy = await startEnvoy({
    resources: {
      listeners: [
        listener("rules", RULES),
        listener("quarter", share(25)),
        listener("half", share(50)),
        listener("pin", share(50, { pin: { cookie: "canary" } })),
        listener("address", share(75, { key: [{ header: "x-user-id" }, { sourceAddress: true }] })),
      ],
    },
    metadata: { LABELS: { app: "frontend", "example.com/app": "frontend" } },
  });
});

afterAll(() => envoy?.stop());

function request(listener: string, options: object): Promise<Answer> {
  return send({ port: envoy.ports.get(listener)!, ...options });
}

test.each([
  ["nothing matches", {}, "v1", undefined],
  ["exact path", { path: "/health?x=1", headers: { "x-canary": "always" } }, "v1", "health/no_subset"],
  ["the first rule that matches", { headers: { "x-canary": "always", cookie: "beta=on" } }, "v2", "forced/v2"],
  ["a header's name in capitals", { headers: { "X-Canary": "v3" } }, "v2", "forced/v2"],
  ["a regular expression is for the whole value", { headers: { "x-canary": "v22" } }, "v1", undefined],
  ["one of several values", { headers: { "x-canary": ["no", "v2"] } }, "v2", "forced/v2"],
  ["a claim", { headers: { "x-jwt-group": "testers" } }, "v3", "testers/v3"],
  ["a cookie", { headers: { cookie: 'a=1; beta="on"' } }, "v3", "testers/v3"],
  ["a cookie in the second header", { headers: { cookie: ["a=1", "beta=on"] } }, "v3", "testers/v3"],
  ["a query parameter, and a method", { method: "POST", path: "/?v=a%20b" }, "v2", "query/v2"],
  ["a query parameter, and another method", { path: "/?v=a%20b" }, "v1", undefined],
  ["the host", { headers: { host: "Backend.Shop:8080" } }, "v3", "hosts/v3"],
  ["the host, and a header that must not be", { headers: { host: "backend.shop", "x-no": "" } }, "v1", undefined],
  ["the workload", { path: "/here" }, "v2", "here/v2"],
  ["the workload's label", { path: "/labels" }, "v3", "labels/v3"],
])("%s", async (_, options, body, decision) => {
  const reply = await request("rules", options);
  expect([reply.body, reply.headers["x-decided"]]).toEqual([body, decision]);
});

test("shares are sticky, near their sizes, and grow without moving others", async () => {
  const keys = Array.from({ length: 400 }, (_, i) => `user-${i}`);
  const chosen = async (listener: string) => {
    const users = new Map<string, string>();
    for (const key of keys) users.set(key, (await request(listener, { headers: { "x-user-id": key } })).body);
    return users;
  };
  const quarter = await chosen("quarter");
  const half = await chosen("half");
  expect(await chosen("quarter")).toEqual(quarter);
  for (const [key, before] of quarter)
    if (half.get(key) !== before) expect([before, half.get(key)]).toEqual(["v1", "v2"]);
  const count = (users: Map<string, string>, subset: string) =>
    [...users.values()].filter((body) => body === subset).length;
  // Four standard deviations of 400 keys: 35 and 40.
  expect(Math.abs(count(quarter, "v2") - 100)).toBeLessThan(35);
  expect(Math.abs(count(quarter, "v3") - 100)).toBeLessThan(35);
  expect(Math.abs(count(half, "v2") - 200)).toBeLessThan(40);
});

test("a pin keeps who has no key", async () => {
  const bodies = new Set<string>();
  for (let i = 0; i < 20; i++) {
    const first = await request("pin", {});
    const [cookie = ""] = first.headers["set-cookie"] ?? [];
    expect(cookie).toMatch(/^canary=[0-9a-f]{32}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/);
    bodies.add(first.body);
    const second = await request("pin", { headers: { cookie: cookie.split(";")[0] } });
    expect(second.body).toBe(first.body);
    expect(second.headers["set-cookie"]).toBeUndefined();
  }
  expect(bodies.size).toBeGreaterThan(1);
  expect((await request("pin", { headers: { "x-user-id": "ann" } })).headers["set-cookie"]).toBeUndefined();
});

test("without another key the source address is one", async () => {
  const bodies = new Set<string>();
  for (let i = 0; i < 5; i++) bodies.add((await request("address", {})).body);
  // Every connection is from 127.0.0.1, whatever its port.
  expect(bodies.size).toBe(1);
  expect(await envoy.admin("/stats?filter=weft_canary_decisions_total;rule=users;subset=no_key")).not.toMatch(
    /: [1-9]/,
  );
});

test("decisions are counted by rule and subset", async () => {
  const value = async () => {
    const stats = await envoy.admin("/stats?filter=weft_canary_decisions_total;rule=forced;subset=v2");
    return Number(/^wasmcustom\.weft_canary_decisions_total;rule=forced;subset=v2: (\d+)$/m.exec(stats)?.[1] ?? 0);
  };
  const before = await value();
  for (let i = 0; i < 3; i++) await request("rules", { headers: { "x-canary": "always" } });
  const deadline = Date.now() + 30_000;
  while ((await value()) < before + 3 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await value()).toBe(before + 3);
});

describe("a configuration that is wrong", () => {
  test("is refused by Envoy, and the log says where and why", async () => {
    const configuration = { rules: [{ name: "r", subset: "v2", match: [{ path: { regex: "/a(?=b)" } }] }] };
    const filters = [wasmFilter({ wasm, rootId: "canary", configuration })];
    const starting = startEnvoy({ resources: { listeners: [httpListener({ name: "wrong", filters })] } });
    const error = await starting.then(
      async (started) => {
        await started.stop();
        return undefined;
      },
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(EnvoyRefusedError);
    expect((error as EnvoyRefusedError).log).toContain(
      'configuration refused: field "rules[0].match[0].path": regex "/a(?=b)" cannot be used: at character 3: look-around',
    );
  });
});
