import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";
import { httpListener, type RunningEnvoy, send, startEnvoy, wasmFilter } from "../../../test/envoy-static.js";

/* The routes that the mesh makes for a plugin that requires subsetRoutes. */
const answer = (body: string) => ({ direct_response: { status: 200, body: { inline_string: body } } });
const routes = [
  {
    match: {
      prefix: "/",
      filter_state: [{ key: "wasm.weft.subset", string_match: { exact: "v2" } }],
    },
    ...answer("v2"),
  },
  { match: { prefix: "/" }, ...answer("v1") },
];

let envoy: RunningEnvoy;

beforeAll(async () => {
  const { wasm } = await buildPlugin("canary");
  const listener = (name: string, configuration: object) =>
    httpListener({ name, routes, filters: [wasmFilter({ wasm, name, vmId: "canary", configuration })] });
  envoy = await startEnvoy({
    resources: {
      listeners: [
        listener("header", {}),
        listener("quarter", { percentage: 25 }),
        listener("half", { percentage: 50 }),
        listener("all", { percentage: 100, header: "", keyHeader: "x-key" }),
      ],
    },
  });
});

afterAll(() => envoy?.stop());

async function choice(listener: string, headers: Record<string, string>): Promise<string> {
  return (await send({ port: envoy.ports.get(listener)!, headers })).body;
}

test.each([
  ["header", {}, "v1"],
  ["header", { "x-canary": "always" }, "v2"],
  ["header", { "X-Canary": "always" }, "v2"],
  ["header", { "x-canary": "never" }, "v1"],
  ["header", { "x-user-id": "ann" }, "v1"],
  ["all", {}, "v1"],
  ["all", { "x-canary": "always" }, "v1"],
  ["all", { "x-key": "ann" }, "v2"],
])("%s with %o goes to %s", async (listener, headers, expected) => {
  expect(await choice(listener, headers)).toBe(expected);
});

test("a share is sticky, near its size, and part of a larger one", async () => {
  const keys = Array.from({ length: 400 }, (_, i) => `user-${i}`);
  const chosen = async (listener: string) => {
    const users = new Set<string>();
    for (const key of keys) if ((await choice(listener, { "x-user-id": key })) === "v2") users.add(key);
    return users;
  };
  const quarter = await chosen("quarter");
  const half = await chosen("half");
  expect(await chosen("quarter")).toEqual(quarter);
  expect(Array.from(quarter).every((key) => half.has(key))).toBe(true);
  // Four standard deviations of 400 keys: 35 and 40.
  expect(Math.abs(quarter.size - 100)).toBeLessThan(35);
  expect(Math.abs(half.size - 200)).toBeLessThan(40);
});
