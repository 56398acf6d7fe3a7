import { beforeAll, expect, test } from "vitest";
import { buildSource } from "../test/build-source.js";
import { createHost } from "./host.js";

/* What authors see with plugins of the SDK. */
const SOURCE = `
import { Action, HttpContext, NoConfig, register } from "@weft/sdk";
class Throws extends HttpContext<NoConfig> {
  onRequestHeaders(end: bool): Action {
    if (this.request.headers.get(":path") == "/throw") throw new Error("thrown on purpose");
    return Action.Continue;
  }
}
register<Throws, NoConfig>("probe");
`;

let wasm: Uint8Array;

beforeAll(async () => {
  const built = await buildSource({ source: SOURCE });
  if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
  wasm = built.wasm;
});

test("a trap says file, line and message", async () => {
  const host = createHost(wasm, { rootId: "probe" });
  await expect(host.request({ path: "/throw" })).rejects.toThrow(
    /the plugin logged: .*trap at assembly\/index\.ts:5:\d+: thrown on purpose/,
  );
});

test.each([
  ["FAIL_CLOSED", [503, 503, 503]],
  ["FAIL_RELOAD", [503, 503, 200]],
  ["FAIL_OPEN", [503, 200, 200]],
] as const)("%s: the request that traps, the next, and one after a second: %j", async (failurePolicy, statuses) => {
  const host = createHost(wasm, { rootId: "probe", failurePolicy, strict: false });
  const seen: (number | undefined)[] = [(await host.request({ path: "/throw" })).response?.status];
  seen.push((await host.request({})).response?.status);
  host.clock.advance(1000);
  seen.push((await host.request({})).response?.status);
  expect(seen).toEqual(statuses);
});
