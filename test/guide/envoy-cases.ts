/* What each example of the guide does in real Envoy: a case shows that what its page says happens there too. */
import { connect } from "node:net";
import { expect } from "vitest";
import type { RunningEnvoy, SendOptions, send } from "../envoy-static.js";

export interface EnvoyCase {
  /** The plugin's configuration. */
  readonly configuration?: object;
  /** Default: everything goes to the upstream, which answers with the request's headers as JSON. */
  readonly routes?: readonly object[];
  check(world: World): Promise<void>;
}

export interface World {
  readonly envoy: RunningEnvoy;
  /** What the gRPC services got: method and message. */
  readonly received: readonly string[];
  /** A request to the listener of the case. */
  get(path?: string, options?: Omit<SendOptions, "port" | "path">): ReturnType<typeof send>;
  /** The same, and the headers that the upstream saw. */
  seen(path?: string, options?: Omit<SendOptions, "port" | "path">): Promise<Record<string, string>>;
  /** Starts another Envoy with this configuration, which must refuse it. Returns its log. */
  refused(configuration: object): Promise<string>;
}

const subset = (name: string) => ({
  match: { prefix: "/", filter_state: [{ key: "wasm.weft.subset", string_match: { exact: name } }] },
  direct_response: { status: 200, body: { inline_string: name } },
});

/** By the root id of the example. */
export const ENVOY_CASES: Readonly<Record<string, EnvoyCase>> = {
  greet: {
    configuration: { text: "hello" },
    check: async ({ get }) => expect((await get()).headers["x-greet"]).toBe("hello"),
  },
  headers: {
    check: async ({ seen, get }) => {
      const headers = { "accept-language": "de", "x-debug-token": "secret" };
      expect(await seen("/", { headers })).toMatchObject({ "x-user": "anonymous", "x-seen": "1" });
      expect(await seen("/", { headers })).not.toHaveProperty("x-debug-token");
      expect((await get("/500")).status).toBe(503);
    },
  },
  sign: { check: async ({ get }) => expect((await get("/text")).body).toBe("one two\n-- 7 bytes") },
  "by-body": {
    check: async ({ seen, get }) => {
      expect(await seen("/", { method: "POST", body: "this is urgent" })).toMatchObject({ "x-kind": "urgent" });
      expect((await get("/", { method: "POST", body: "x".repeat(1_100_000) })).status).toBe(413);
    },
  },
  gate: {
    check: async ({ get }) => {
      const answer = await get("/admin/users");
      expect(answer).toMatchObject({ status: 403, body: '{"error":"closed"}' });
      expect(answer.headers).toMatchObject({ "x-gate": "1", "content-type": "application/json" });
    },
  },
  choose: {
    configuration: { header: "x-to" },
    routes: [subset("v2"), { match: { prefix: "/" }, route: { cluster: "up" } }],
    check: async ({ get }) => {
      expect((await get("/", { headers: { "x-to": "v2" } })).body).toBe("v2");
      const other = await get("/");
      expect(other.headers["x-tries"]).toBe("1");
      expect(other.headers["x-caller"]).toMatch(/^127\.0\.0\.1:\d+$/);
    },
  },
  check: {
    configuration: { cluster: "auth" },
    check: async ({ get, seen }) => {
      expect(await seen("/", { headers: { authorization: "good" } })).toMatchObject({ "x-user": "ada" });
      expect(await get("/", { headers: { authorization: "bad" } })).toMatchObject({ status: 403, body: "not you" });
      expect((await get("/")).status).toBe(401);
      expect((await get("/", { headers: { authorization: "slow" } })).status).toBe(503);
    },
  },
  budget: {
    check: async ({ get, received }) => {
      expect((await get("/", { headers: { "x-user": "ada" } })).status).toBe(200);
      expect(received).toContain("/shop.Budget/Take \x0a\x03ada\x10\x01");
      expect(await get("/", { headers: { "x-user": "bob" } })).toMatchObject({ status: 402, body: "spent" });
      expect(await get("/", { headers: { "x-user": "eve" } })).toMatchObject({ status: 503, body: "gRPC status 14" });
    },
  },
  audit: {
    check: async ({ get, received }) =>
      eventually(async () => {
        await get("/seen");
        return received.includes("/shop.Audit/Report \x0a\x05/seen");
      }),
  },
  tickets: {
    check: async ({ get }) => {
      const statuses = [await get(), await get(), await get(), await get()].map(({ status }) => status);
      expect(statuses).toEqual([200, 200, 200, 429]);
    },
  },
  errors: {
    check: async ({ get, envoy }) => {
      await get("/500");
      await eventually(async () => (await envoy.admin("/stats?filter=errors_seen")).includes("errors_seen: 1"));
      await eventually(async () => envoy.log().includes("failed: /500"));
    },
  },
  checkout: {
    configuration: { periodMs: 100 },
    check: async ({ get }) => eventually(async () => (await get()).status === 503),
  },
  count: {
    check: async ({ get, envoy }) => {
      await get("/cart");
      await eventually(async () => {
        const text = await envoy.admin("/stats/prometheus?filter=shop");
        return (
          /^shop_requests\{(?=.*route="cart")(?=.*code="200").*\} 1$/m.test(text) &&
          /^shop_open\{.*\} 0$/m.test(text) &&
          /^shop_duration_ms_count\{.*\} 1$/m.test(text)
        );
      });
    },
  },
  limits: {
    configuration: { limits: [{ requests: 10 }] },
    check: async ({ get, refused }) => {
      expect((await get()).headers["x-limit"]).toBe("10 per minute");
      const message = 'field "header" is "Limit"; it must match ^x-[a-z-]+$';
      expect(await refused({ header: "Limit" })).toContain(message);
    },
  },
  greeting: {
    check: async ({ envoy }) => {
      const port = envoy.ports.get("greeting") ?? 0;
      expect(await talk(port, "HELLO you")).toBe("HELLO you");
      expect(await talk(port, "GET / HTTP/1.1\r\n\r\n")).toBe("");
      // The client and the server ended in good order, so it is Envoy that closed.
      await eventually(async () => envoy.log().includes("closed by the proxy after 9 bytes"));
    },
  },
  breaker: {
    check: async ({ get, envoy }) => {
      for (let i = 0; i < 3; i++) expect((await get()).status).toBe(503);
      await eventually(async () => envoy.log().includes("the service is down; not asked for 10 s"));
      const calls = await envoy.admin("/stats?filter=cluster.service.upstream_rq_total");
      expect((await get()).status).toBe(503);
      expect(await envoy.admin("/stats?filter=cluster.service.upstream_rq_total")).toBe(calls);
    },
  },
  debug: {
    check: async ({ get, envoy }) => {
      expect((await get("/", { headers: { "x-numbers": "1,2" } })).status).toBe(503);
      await eventually(async () => envoy.log().includes("trap at ~lib/array.ts:114:42: Index out of range"));
      expect(envoy.log()).toContain("index/Debug#onRequestHeaders");
      await eventually(async () => (await get()).status === 200);
    },
  },
  fast: {
    configuration: { paths: ["/cart"] },
    check: async ({ get, envoy }) => {
      await get("/cart/1");
      const name = "fast_requests;path=/cart: 1";
      await eventually(async () => (await envoy.admin("/stats?filter=fast_requests")).includes(name));
    },
  },
  stamp: {
    check: async ({ seen }) => {
      expect(await seen()).toMatchObject({ "x-stamp": "1" });
      expect(await seen()).toMatchObject({ "x-stamp": "2" });
    },
  },
  old: {
    configuration: { any: "text" },
    check: async ({ get }) => expect((await get()).headers["x-old"]).toBe('{"any":"text"}'),
  },
  late: {
    check: async ({ get, seen }) => {
      expect((await get()).headers["x-changed"]).toBe("true false");
      expect(await seen()).not.toHaveProperty("x-late");
    },
  },
  operation: {
    configuration: { operations: { user: "/users/[0-9]+" } },
    check: async ({ seen }) => {
      expect(await seen("/users/17")).toMatchObject({ "x-operation": "user" });
      expect(await seen("/users/x")).toMatchObject({ "x-operation": "other" });
    },
  },
};

/* Sends a text and gives the first answer, or "" where the connection is closed. */
function talk(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("data", (chunk) => {
      resolve(chunk.toString());
      socket.end();
    });
    socket.once("close", () => resolve(""));
    socket.once("error", reject);
    socket.write(text);
  });
}

async function eventually(check: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("it did not happen within a minute");
}
