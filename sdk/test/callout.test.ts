import { beforeAll, expect, test } from "vitest";
import { createHost } from "../host/index.js";
import { buildSource } from "./build-source.js";

const SOURCE = `
import { Action, callout, HttpContext, LocalResponse, NoConfig, register } from "@weft/sdk";
class Ask extends HttpContext<NoConfig> {
  onRequestHeaders(end: bool): Action {
    const response = new LocalResponse(200);
    response.body = callout("auth");
    return response.send();
  }
}
register<Ask, NoConfig>("probe");
`;

let wasm: Uint8Array;

beforeAll(async () => {
  const built = await buildSource({ source: SOURCE });
  if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
  wasm = built.wasm;
});

test.each([
  ["shop.gate", "callout|shop|gate|auth"],
  ["shop.gate.keeper", "callout|shop|gate.keeper|auth"],
  ["gate", "auth"],
  [".gate", "auth"],
])("a plugin that the proxy calls %s calls %s", async (name, cluster) => {
  const exchange = await createHost(wasm, { rootId: "probe", name }).request({});
  expect(exchange.response?.text).toBe(cluster);
});
