import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";
import { httpListener, type RunningEnvoy, send, startEnvoy, wasmFilter } from "../../../test/envoy-static.js";

let envoy: RunningEnvoy;

beforeAll(async () => {
  const { wasm, manifest } = await buildPlugin("hello");
  const capabilities = [...manifest.capabilities, ...manifest.callbacks];
  const filter = (name: string, configuration: object) => wasmFilter({ wasm, name, vmId: "shared", configuration });
  envoy = await startEnvoy({
    resources: {
      listeners: [
        httpListener({ name: "default", filters: [filter("one", {})] }),
        httpListener({
          name: "restricted",
          filters: [wasmFilter({ wasm, configuration: { name: "restricted" }, capabilities })],
        }),
        httpListener({ name: "named", filters: [filter("two", { name: "reader" })] }),
      ],
    },
  });
});

afterAll(() => envoy?.stop());

test.each([
  ["default", "hello, mesh"],
  ["named", "hello, reader"],
  ["default", "hello, mesh"],
  // What the manifest lists is all that the module needs.
  ["restricted", "hello, restricted"],
])("two configurations in one VM do not mix: %s answers with x-hello: %s", async (listener, expected) => {
  const answer = await send({ port: envoy.ports.get(listener)! });
  expect(answer.headers["x-hello"]).toBe(expected);
});
