import { type ExchangeRequest, type Host, load } from "@weft/sdk/host";
import { beforeAll, describe, expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";

const NODE = {
  id: "sidecar~10.0.0.1~frontend-v1.shop~shop.svc.cluster.local",
  metadata: { LABELS: { app: "frontend", "app.kubernetes.io/version": "v1" } },
};
const DEBUG = "x-decided";

let wasm: Uint8Array;

beforeAll(async () => {
  ({ wasm } = await buildPlugin("canary"));
});

function start(config: object): Promise<Host> {
  return load(wasm, { rootId: "canary", config, properties: { xds: { node: NODE } } });
}

/* What the rules decide: "rule/outcome", or "" where none matches. That the subset is the route's is checked too. */
async function decide(host: Host, request: ExchangeRequest): Promise<string> {
  const exchange = await host.request(request);
  const decision = exchange.response?.headers.find(([name]) => name === DEBUG)?.[1] ?? "";
  const outcome = decision.split("/")[1] ?? "";
  const subset = exchange.stream.filterState.get("wasm.weft.subset");
  const chosen = outcome === "" || outcome.includes("_") ? undefined : outcome;
  expect(subset === undefined ? undefined : Buffer.from(subset).toString()).toBe(chosen);
  expect(exchange.routeCacheClears).toEqual(chosen === undefined ? [] : ["call"]);
  return decision;
}

async function decideOnce(config: object, request: ExchangeRequest): Promise<string> {
  const host = await start({ debugHeader: DEBUG, ...config });
  try {
    return await decide(host, request);
  } finally {
    host.close();
  }
}

const rule = (match: object | object[]) => ({ rules: [{ name: "r", match: [match].flat(), subset: "v2" }] });
const headers = (list: Record<string, string | string[]>): ExchangeRequest => ({
  headers: Object.entries(list).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value]),
  ),
});

describe("conditions", () => {
  test.each<[string, object | object[], ExchangeRequest, boolean]>([
    ["exact", { headers: { "x-a": { exact: "b" } } }, headers({ "x-a": "b" }), true],
    ["exact, another value", { headers: { "x-a": { exact: "b" } } }, headers({ "x-a": "bc" }), false],
    ["exact, no header", { headers: { "x-a": { exact: "b" } } }, {}, false],
    ["a name in capitals", { headers: { "X-A": { exact: "b" } } }, headers({ "x-a": "b" }), true],
    ["the second value", { headers: { "x-a": { exact: "b" } } }, headers({ "x-a": ["a", "b"] }), true],
    ["none of several values", { headers: { "x-a": { exact: "b" } } }, headers({ "x-a": ["a", "c"] }), false],
    ["prefix", { headers: { "x-a": { prefix: "be" } } }, headers({ "x-a": "beta" }), true],
    ["prefix, not there", { headers: { "x-a": { prefix: "be" } } }, headers({ "x-a": "abe" }), false],
    ["suffix", { headers: { "x-a": { suffix: "ta" } } }, headers({ "x-a": "beta" }), true],
    ["suffix, not there", { headers: { "x-a": { suffix: "ta" } } }, headers({ "x-a": "tab" }), false],
    ["regex", { headers: { "x-a": { regex: "b[et]+a" } } }, headers({ "x-a": "beta" }), true],
    ["regex is for the whole value", { headers: { "x-a": { regex: "et" } } }, headers({ "x-a": "beta" }), false],
    ["regex for an empty value", { headers: { "x-a": { regex: "^$" } } }, headers({ "x-a": "" }), true],
    ["present", { headers: { "x-a": { present: true } } }, headers({ "x-a": "" }), true],
    ["present, not there", { headers: { "x-a": { present: true } } }, {}, false],
    ["absent", { headers: { "x-a": { present: true, not: true } } }, {}, true],
    ["absent, but there", { headers: { "x-a": { present: true, not: true } } }, headers({ "x-a": "" }), false],
    ["not exact", { headers: { "x-a": { exact: "b", not: true } } }, headers({ "x-a": "c" }), true],
    ["not exact, no header", { headers: { "x-a": { exact: "b", not: true } } }, {}, true],
    ["not exact, the second", { headers: { "x-a": { exact: "b", not: true } } }, headers({ "x-a": ["a", "b"] }), false],
    ["a pseudo header", { headers: { ":scheme": { exact: "http" } } }, {}, true],
    ["a value beyond ASCII", { headers: { "x-a": { exact: "é" } } }, headers({ "x-a": "\u00c3\u00a9" }), true],
    ["cookie", { cookies: { beta: { exact: "on" } } }, headers({ cookie: "a=1; beta=on" }), true],
    [
      "cookie, in the second header",
      { cookies: { beta: { exact: "on" } } },
      headers({ cookie: ["a=1", "beta=on"] }),
      true,
    ],
    ["cookie, quoted", { cookies: { beta: { exact: "on" } } }, headers({ cookie: 'beta="on"' }), true],
    ["cookie, not there", { cookies: { beta: { present: true } } }, headers({ cookie: "alpha=1" }), false],
    ["no cookies", { cookies: { beta: { present: true } } }, {}, false],
    ["cookie absent", { cookies: { beta: { present: true, not: true } } }, headers({ cookie: "alpha=1" }), true],
    ["query", { queryParams: { v: { exact: "2" } } }, { path: "/a?b=1&v=2" }, true],
    ["query, decoded", { queryParams: { v: { exact: "a b" } } }, { path: "/a?v=a%20b" }, true],
    ["query, another value", { queryParams: { v: { exact: "2" } } }, { path: "/v=2?w=2" }, false],
    ["path", { path: { exact: "/a" } }, { path: "/a?b" }, true],
    ["path, longer", { path: { exact: "/a" } }, { path: "/a/" }, false],
    ["path prefix", { path: { prefix: "/api/" } }, { path: "/api/x" }, true],
    ["path prefix, another", { path: { prefix: "/api/" } }, { path: "/apix" }, false],
    ["path regex", { path: { regex: "/users/\\d+" } }, { path: "/users/17?x=1" }, true],
    ["path regex, another", { path: { regex: "/users/\\d+" } }, { path: "/users/ann" }, false],
    ["path, not", { path: { prefix: "/health", not: true } }, { path: "/health" }, false],
    ["method", { method: { exact: "POST" } }, { method: "POST" }, true],
    ["method, another", { method: { regex: "POST|PUT" } }, { method: "GET" }, false],
    ["host", { host: { exact: "backend.shop" } }, { authority: "Backend.Shop:8080" }, true],
    ["host, another", { host: { suffix: ".shop" } }, { authority: "backend.other" }, false],
    [
      "all hold",
      { path: { exact: "/a" }, headers: { "x-a": { exact: "b" } } },
      { path: "/a", ...headers({ "x-a": "b" }) },
      true,
    ],
    [
      "one does not",
      { path: { exact: "/b" }, headers: { "x-a": { exact: "b" } } },
      { path: "/a", ...headers({ "x-a": "b" }) },
      false,
    ],
    [
      "two headers, one missing",
      { headers: { "x-a": { exact: "b" }, "x-c": { present: true } } },
      headers({ "x-a": "b" }),
      false,
    ],
    ["the second alternative", [{ path: { exact: "/b" } }, { method: { exact: "GET" } }], {}, true],
    ["no alternative", [{ path: { exact: "/b" } }, { method: { exact: "PUT" } }], {}, false],
    ["workload", { source: { workload: "frontend-v1" } }, {}, true],
    ["another workload", { source: { workload: "frontend" } }, {}, false],
    ["namespace", { source: { namespace: "shop" } }, {}, true],
    ["another namespace", { source: { workload: "frontend-v1", namespace: "default" } }, {}, false],
    ["labels", { source: { labels: { app: "frontend", "app.kubernetes.io/version": "v1" } } }, {}, true],
    ["a label's other value", { source: { labels: { app: "backend" } } }, {}, false],
    ["a label that is not there", { source: { labels: { tier: "web" } } }, {}, false],
    ["source and another condition", { source: { namespace: "shop" }, path: { exact: "/b" } }, {}, false],
  ])("%s", async (_, match, request, holds) => {
    expect(await decideOnce(rule(match), request)).toBe(holds ? "r/v2" : "");
  });

  test("claims are in the headers that claimHeaders says", async () => {
    const config = { ...rule({ claims: { group: { exact: "testers" } } }), claimHeaders: { group: "x-jwt-group" } };
    expect(await decideOnce(config, headers({ "x-jwt-group": "testers" }))).toBe("r/v2");
    expect(await decideOnce(config, headers({ group: "testers" }))).toBe("");
  });

  test("the first rule that matches decides, also where its split leaves the request as it is", async () => {
    const host = await start({
      debugHeader: DEBUG,
      rules: [
        {
          name: "probes",
          match: [{ path: { exact: "/health" } }],
          split: [{ subset: "v2", percentage: 0 }],
        },
        { name: "forced", match: [{ headers: { "x-canary": { present: true } } }], subset: "v3" },
        { name: "users", split: [{ subset: "v2", percentage: 100 }], key: [{ header: "x-id" }] },
      ],
    });
    const all = headers({ "x-canary": "1", "x-id": "ann" });
    expect(await decide(host, { path: "/health", ...all })).toBe("probes/no_subset");
    expect(await decide(host, { path: "/", ...all })).toBe("forced/v3");
    expect(await decide(host, headers({ "x-id": "ann" }))).toBe("users/v2");
    expect(await decide(host, {})).toBe("users/no_key");
    host.close();
  });
});

test.each([
  "",
  "sidecar~10.0.0.1~frontend-v1.shop",
  "sidecar~10.0.0.1~frontend-v1~shop.svc.cluster.local",
  "sidecar~10.0.0.1~.shop~shop.svc.cluster.local",
  "sidecar~10.0.0.1~frontend-v1.~shop.svc.cluster.local",
])("a proxy with the node id %j is no workload", async (id) => {
  const config = {
    debugHeader: DEBUG,
    ...rule([{ source: { workload: "frontend-v1" } }, { source: { namespace: "shop" } }]),
  };
  const host = await load(wasm, { rootId: "canary", config, properties: { xds: { node: { id } } } });
  expect(await decide(host, {})).toBe("");
  host.close();
});

describe("splits", () => {
  const half = { name: "r", split: [{ subset: "v2", percentage: 50 }] };
  const withKey = (...key: object[]) => ({ debugHeader: DEBUG, rules: [{ ...half, key }] });

  test.each<[string, object[], (key: string) => ExchangeRequest]>([
    ["a header", [{ header: "x-id" }], (key) => headers({ "x-id": key })],
    ["a cookie", [{ cookie: "id" }], (key) => headers({ cookie: `a=1; id=${key}` })],
    ["a query parameter", [{ queryParam: "id" }], (key) => ({ path: `/?id=${key}` })],
    ["the source address", [{ sourceAddress: true }], (key) => ({ properties: { "source.address": `${key}:999` } })],
    ["the second source", [{ header: "x-no" }, { header: "x-id" }], (key) => headers({ "x-id": key })],
    ["an empty first", [{ cookie: "id" }, { header: "x-id" }], (key) => headers({ cookie: "id=", "x-id": key })],
  ])("%s is the key", async (_, key, request) => {
    const host = await start(withKey(...key));
    const byHeader = await start(withKey({ header: "x-id" }));
    const decisions = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const decision = await decide(host, request(`user-${i}`));
      // Wherever the key comes from, it has one place.
      expect(decision).toBe(await decide(byHeader, headers({ "x-id": `user-${i}` })));
      decisions.add(decision);
    }
    expect([...decisions].sort()).toEqual(["r/no_subset", "r/v2"]);
    host.close();
    byHeader.close();
  });

  test("a user stays when a share grows and the configuration changes", async () => {
    const chosen = async (percentage: number) => {
      const host = await start({
        debugHeader: DEBUG,
        rules: [
          {
            name: "r",
            split: [
              { subset: "v2", percentage },
              { subset: "v3", percentage: 20 },
            ],
            key: [{ header: "x-id" }],
          },
        ],
      });
      const users = new Map<string, string>();
      for (let i = 0; i < 200; i++) users.set(`u${i}`, await decide(host, headers({ "x-id": `u${i}` })));
      host.close();
      return users;
    };
    const [ten, ten2, thirty] = [await chosen(10), await chosen(10), await chosen(30)];
    expect(ten2).toEqual(ten);
    const moved = [...ten].filter(([user, decision]) => thirty.get(user) !== decision);
    expect(moved.length).toBeGreaterThan(15);
    for (const [user, decision] of moved) expect([decision, thirty.get(user)]).toEqual(["r/no_subset", "r/v2"]);
  });

  test("a split of nothing needs no key, asks for none and pins nobody", async () => {
    const host = await start({
      debugHeader: DEBUG,
      rules: [{ name: "r", split: [{ subset: "v2", percentage: 0 }], key: [{ header: "x-id" }], pin: { cookie: "c" } }],
    });
    expect(await decide(host, {})).toBe("r/no_subset");
    const { response } = await host.request({});
    expect(response?.headers.map(([name]) => name)).not.toContain("set-cookie");
    host.close();
  });

  test("a salt of one's own joins two rules' choices; names part them", async () => {
    const both = (salts: object) => ({
      debugHeader: DEBUG,
      rules: ["a", "b"].map((name) => ({
        ...half,
        ...salts,
        name,
        match: [{ path: { exact: `/${name}` } }],
        key: [{ header: "x-id" }],
      })),
    });
    const same = async (config: object) => {
      const host = await start(config);
      let count = 0;
      for (let i = 0; i < 100; i++) {
        const request = headers({ "x-id": `u${i}` });
        const [a, b] = [await decide(host, { path: "/a", ...request }), await decide(host, { path: "/b", ...request })];
        if (a.slice(1) === b.slice(1)) count++;
      }
      host.close();
      return count;
    };
    expect(await same(both({ salt: "checkout" }))).toBe(100);
    expect(Math.abs((await same(both({}))) - 50)).toBeLessThan(25);
  });
});

describe("a pin", () => {
  const config = (pin: object) => ({
    debugHeader: DEBUG,
    rules: [{ name: "r", split: [{ subset: "v2", percentage: 50 }], key: [{ header: "x-id" }], pin }],
  });
  const setCookie = (exchange: { response: { headers: readonly (readonly [string, string])[] } | undefined }) =>
    exchange.response?.headers.filter(([name]) => name === "set-cookie").map(([, value]) => value) ?? [];

  test("gives a key to who has none, and later requests stay", async () => {
    const host = await start(config({ cookie: "canary" }));
    const seen = new Set<string>();
    for (let i = 0; i < 30; i++) {
      const first = await host.request({}, () => ({ headers: { "set-cookie": "app=1" } }));
      const [app, own = ""] = setCookie(first);
      expect(app).toBe("app=1");
      const key = /^canary=([0-9a-f]{32}); Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/.exec(own)?.[1];
      expect(key).toBeDefined();
      seen.add(key ?? "");
      const decision = first.response?.headers.find(([name]) => name === DEBUG)?.[1];
      const second = await host.request(headers({ cookie: `canary=${key}` }));
      expect(second.response?.headers.find(([name]) => name === DEBUG)?.[1]).toBe(decision);
      expect(setCookie(second)).toEqual([]);
    }
    expect(seen.size).toBe(30);
    host.close();
  });

  test("is not given to who has a key, nor where the rule does not match", async () => {
    const host = await start({
      rules: [
        {
          name: "r",
          match: [{ path: { exact: "/a" } }],
          split: [{ subset: "v2", percentage: 50 }],
          key: [{ header: "x-id" }],
          pin: { cookie: "c" },
        },
      ],
    });
    expect(setCookie(await host.request({ path: "/a", ...headers({ "x-id": "ann" }) }))).toEqual([]);
    expect(setCookie(await host.request({ path: "/b" }))).toEqual([]);
    expect(setCookie(await host.request({ path: "/a" }))).toHaveLength(1);
    host.close();
  });

  test("has the attributes of the configuration", async () => {
    const host = await start(
      config({ cookie: "c", path: "/shop", domain: "example.com", maxAgeSeconds: 0, secure: true, sameSite: "None" }),
    );
    expect(setCookie(await host.request({}))[0]).toMatch(
      /^c=[0-9a-f]{32}; Path=\/shop; Domain=example\.com; HttpOnly; SameSite=None; Secure$/,
    );
    host.close();
  });
});

test("decisions are counted by rule and subset", async () => {
  const host = await start({
    rules: [
      { name: "forced", match: [{ headers: { "x-canary": { present: true } } }], subset: "v2" },
      {
        name: "users",
        match: [{ path: { prefix: "/u" } }],
        split: [{ subset: "v3", percentage: 100 }],
        key: [{ header: "x-id" }],
      },
    ],
  });
  await host.request(headers({ "x-canary": "1" }));
  await host.request(headers({ "x-canary": "1" }));
  await host.request({ path: "/u", ...headers({ "x-id": "ann" }) });
  await host.request({ path: "/u" });
  const other = await host.request({ path: "/other" });
  expect(other.response?.headers.map(([name]) => name)).not.toContain("x-decided");
  expect(host.metrics.all()).toEqual({
    "weft_canary_decisions_total;rule=forced;subset=v2": 2n,
    "weft_canary_decisions_total;rule=users;subset=no_key": 1n,
    "weft_canary_decisions_total;rule=users;subset=v3": 1n,
  });
  host.close();
});

describe("a configuration that is refused", () => {
  const r = (more: object) => ({ rules: [{ name: "r", ...more }] });
  const split = (list: object[], more: object = {}) => r({ split: list, key: [{ header: "x" }], ...more });
  const text = (match: object) => r({ subset: "v2", match: [{ headers: { x: match } }] });

  test.each<[object, string]>([
    [{}, 'field "rules" is required'],
    [{ rules: [] }, 'field "rules" has 0; it must have 1 to 64 items'],
    [{ header: "x-canary" }, 'field "header" is unknown; known fields: rules, claimHeaders, debugHeader'],
    [r({}), 'field "rules[0]": rule "r": it has no effect: give subset or split'],
    [{ rules: [{ subset: "v2" }] }, 'field "rules[0].name" is required'],
    [{ rules: [{ name: "No Name", subset: "v2" }] }, 'field "rules[0].name" is "No Name"; it must match'],
    [r({ subset: "v_2" }), 'field "rules[0].subset" is "v_2"; it must match'],
    [r({ subset: "v2", split: [{ subset: "v3", percentage: 1 }] }), "give subset or split, not both"],
    [r({ subset: "v2", key: [{ header: "x" }] }), "key, pin and salt are for a split"],
    [r({ subset: "v2", salt: "s" }), "key, pin and salt are for a split"],
    [r({ split: [{ subset: "v2", percentage: 10 }] }), "split needs a key or a pin"],
    [
      split([
        { subset: "v2", percentage: 60 },
        { subset: "v3", percentage: 40.01 },
      ]),
      "the percentages of split must be 100 or less together",
    ],
    [
      split([
        { subset: "v2", percentage: 1 },
        { subset: "v2", percentage: 2 },
      ]),
      'split has subset "v2" twice',
    ],
    [
      split([{ subset: "v2", percentage: 101 }]),
      'field "rules[0].split[0].percentage" is 101; it must be a number from 0 to 100',
    ],
    [split([{ subset: "v2", percentage: 0.005 }]), 'field "rules[0].split[0]": percentage goes in steps of 0.01'],
    [split([{ percentage: 1 }]), 'field "rules[0].split[0].subset" is required'],
    [
      split([{ subset: "v2", percentage: 1 }], { key: [{}] }),
      'field "rules[0].key[0]": give exactly one of header, cookie, queryParam and sourceAddress: true',
    ],
    [split([{ subset: "v2", percentage: 1 }], { key: [{ header: "x y" }] }), 'header "x y" is no name of a header'],
    [split([{ subset: "v2", percentage: 1 }], { key: [{ cookie: "a;b" }] }), 'cookie "a;b" is no name of a cookie'],
    [split([{ subset: "v2", percentage: 1 }], { pin: {} }), 'field "rules[0].pin": give the cookie a name'],
    [
      split([{ subset: "v2", percentage: 1 }], { pin: { cookie: "c", path: "/; x" } }),
      'field "rules[0].pin.path" is "/; x"; it must match',
    ],
    [
      split([{ subset: "v2", percentage: 1 }], { pin: { cookie: "c", sameSite: "None" } }),
      "sameSite None needs secure: true",
    ],
    [
      text({}),
      'field "rules[0].match[0].headers.x": give exactly one of exact, prefix, suffix, regex and present: true',
    ],
    [text({ exact: "a", prefix: "b" }), "give exactly one of"],
    [text({ present: false }), "give exactly one of"],
    [
      text({ regex: "a(b" }),
      'field "rules[0].match[0].headers.x": regex "a(b" cannot be used: at character 2: this group is not closed',
    ],
    [
      text({ regex: "(a)\\1" }),
      'regex "(a)\\1" cannot be used: at character 4: back-references cannot be matched in linear time',
    ],
    [text({ regex: "(a{100}){100}" }), "it is too large"],
    [r({ subset: "v2", match: [{}] }), 'field "rules[0].match[0]": give a condition'],
    [r({ subset: "v2", match: [{ source: {} }] }), "give a workload, a namespace or labels"],
    [
      r({ subset: "v2", match: [{ headers: { "x y": { present: true } } }] }),
      'headers has "x y", which is no name of a header',
    ],
    [
      r({ subset: "v2", match: [{ cookies: { "a=": { present: true } } }] }),
      'cookies has "a=", which is no name of a cookie',
    ],
    [
      r({ subset: "v2", match: [{ claims: { group: { exact: "a" } } }] }),
      'rule "r": match asks for claim "group"; say in claimHeaders',
    ],
    [
      { ...r({ subset: "v2" }), claimHeaders: { group: "" } },
      'field "claimHeaders.group" is ""; it must be the name of a header',
    ],
    [{ ...r({ subset: "v2" }), debugHeader: "x y" }, 'field "debugHeader" is "x y"; it must be the name of a header'],
    [
      {
        rules: [
          { name: "a", match: [{ path: { exact: "/" } }], subset: "v2" },
          { name: "a", subset: "v3" },
        ],
      },
      'field "rules[1]": rule "a": another rule has this name',
    ],
    [
      {
        rules: [
          { name: "a", subset: "v2" },
          { name: "b", subset: "v3" },
        ],
      },
      'field "rules[1]": rule "b": it is never reached: rule "a" matches every request',
    ],
  ])("%j", async (config, message) => {
    const logged: string[] = [];
    const loading = load(wasm, { rootId: "canary", config, onLog: (entry) => logged.push(entry.message) });
    await expect(loading).rejects.toMatchObject({ code: "CONFIGURE" });
    expect(logged.join("\n")).toContain(`plugin "canary": configuration refused: `);
    expect(logged.join("\n")).toContain(message);
  });
});
