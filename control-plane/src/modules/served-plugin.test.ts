import { describe, expect, it } from "vitest";
import { mkManifest, mkPlugin } from "../../../test/builders.js";
import type { Plugin } from "../model/plugin.js";
import type { PluginManifest } from "../model/plugin-manifest.js";
import { UNVERIFIED } from "../model/verification.js";
import { type PreparedModule, servePlugin } from "./served-plugin.js";

const MODULE: PreparedModule = {
  digest: "sha256:image",
  wasmSha256: "came",
  servedSha256: "code",
  wasm: new Uint8Array([1]),
  memoryBytes: 1,
  capabilities: ["proxy_log"],
  verified: UNVERIFIED,
};
interface Given {
  readonly plugin?: Partial<Plugin>;
  readonly module?: Partial<PreparedModule>;
  readonly manifest?: Partial<PluginManifest>;
}
const serve = ({ plugin, module, manifest }: Given = {}) =>
  servePlugin(mkPlugin("retry", plugin), { ...MODULE, ...module }, mkManifest("retry", manifest));
const base = serve();

describe("the version", () => {
  it.each<[string, Given]>([
    ["other code", { module: { servedSha256: "other" } }],
    ["other capabilities", { module: { capabilities: ["proxy_done"] } }],
    ["another environment", { plugin: { env: { A: "b" } } }],
    ["another configuration", { plugin: { config: '{"a":1}' } }],
    ["another strategy", { plugin: { failStrategy: "FAIL_OPEN" } }],
    ["another root id of the object", { plugin: { rootId: "other" } }],
    ["another root id of the manifest", { manifest: { rootId: "other" } }],
    ["another layout of shared data", { manifest: { stateVersion: "2" } }],
    ["another SDK", { manifest: { builtWithSdk: false } }],
    ["another object", { plugin: { name: "other" } }],
    ["another namespace", { plugin: { namespace: "other" } }],
  ])("is another with %s", (_name, given) => {
    expect(serve(given).version).not.toBe(base.version);
  });

  it.each<[string, Given]>([
    ["an image of another digest with the same code", { module: { digest: "sha256:other" } }],
    ["another signature", { module: { verified: { ...UNVERIFIED, keys: ["a"] } } }],
    ["another policy, that gives the same", { plugin: { limits: { maxModuleBytes: 5 }, capabilities: ["proxy_log"] } }],
    ["the same bytes in another array", { module: { wasm: new Uint8Array([1]) } }],
    ["another tag", { plugin: { url: "oci://registry.test/retry:2" } }],
    ["another generation", { plugin: { generation: "2" } }],
    ["another place in the chain", { plugin: { priority: 7, phase: "authn" } }],
    ["other workloads", { plugin: { selector: { app: "x" }, match: [{ mode: "CLIENT", ports: [] }] } }],
    ["other metrics", { manifest: { metrics: [{ name: "m", type: "counter", labels: {} }] } }],
    ["another version number of the author", { manifest: { version: "2.0.0" } }],
    ["the manifest's root id, said by the object too", { plugin: { rootId: "retry" } }],
  ])("is the same with %s", (_name, given) => {
    expect(serve(given).version).toBe(base.version);
  });

  it("is the same on every machine and in every release", () => {
    expect(base.version).toBe("21b4df7e404d45eb477b");
  });
});

describe("the VM id", () => {
  it.each<[string, Given, RegExp]>([
    ["has namespace, name and state version", {}, /^default\/retry\/1$/],
    [
      "is the same for new code and configuration",
      { module: { servedSha256: "x" }, plugin: { config: '{"a":1}' } },
      /^default\/retry\/1$/,
    ],
    ["follows the state version", { manifest: { stateVersion: "2" } }, /^default\/retry\/2$/],
    [
      "has a hash of the configuration for other SDKs",
      { manifest: { builtWithSdk: false } },
      /^default\/retry\/1\/[0-9a-f]{20}$/,
    ],
  ])("%s", (_name, given, expected) => {
    expect(serve(given).vmId).toMatch(expected);
  });

  it("is another for each configuration of a module of another SDK, and not for its code", () => {
    const foreign = (config: string, servedSha256 = "code") =>
      serve({ manifest: { builtWithSdk: false }, plugin: { config }, module: { servedSha256 } }).vmId;
    expect(foreign("{}")).not.toBe(foreign('{"a":1}'));
    expect(foreign("{}")).toBe(foreign("{}", "other"));
  });
});

it("takes from the object what it says, and else from the manifest", () => {
  expect(serve({ manifest: { rootId: "m" } }).rootId).toBe("m");
  expect(serve({ manifest: { rootId: "m" }, plugin: { rootId: "p" } }).rootId).toBe("p");
  expect(base).toMatchObject({
    digest: "sha256:image",
    wasmSha256: "came",
    servedSha256: "code",
    config: "{}",
    failStrategy: "FAIL_CLOSE",
  });
  expect(base.wasm).toBe(MODULE.wasm);
});
