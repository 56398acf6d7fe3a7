import { describeModule } from "@weft/sdk/host";
import { describe, expect, it } from "vitest";
import { buildModule, PLUGIN_FUNCTIONS } from "../../../test/differential/module-builder.js";
import type { PluginPolicy } from "../model/mesh-config.js";
import { capabilitiesOf } from "./capabilities.js";

const log = { name: "proxy_log", type: "iii:i" };
const property = { name: "proxy_get_property", type: "iiii:i" };
const write = { module: "wasi_snapshot_preview1", name: "fd_write", type: "iiii:i" };
const onLog = { name: "proxy_on_log", type: "i:" };
const onDone = { name: "proxy_on_done", type: "i:i", body: [0x41, 1] };
const MODULE = buildModule({ imports: [write, property, log], functions: [...PLUGIN_FUNCTIONS, onLog, onDone] });
const BARE = buildModule({ functions: [...PLUGIN_FUNCTIONS, onLog] });

const of = (own: readonly string[] | undefined, mesh: Partial<PluginPolicy> = {}, module: Uint8Array = MODULE) =>
  capabilitiesOf(own === undefined ? {} : { capabilities: own }, describeModule(module), "0.2.1", {
    mode: "enforce",
    ...mesh,
  });

describe("a plugin may use", () => {
  it.each<[string, readonly string[] | undefined, Partial<PluginPolicy>, readonly string[], readonly string[]]>([
    [
      "what it imports, and its callbacks",
      undefined,
      {},
      ["fd_write", "proxy_get_property", "proxy_log", "proxy_on_done", "proxy_on_log"],
      [],
    ],
    ["what its object names", ["proxy_log"], {}, ["proxy_log", "proxy_on_done", "proxy_on_log"], []],
    [
      "what its object names and it does not import",
      ["proxy_http_call", "proxy_log"],
      {},
      ["proxy_http_call", "proxy_log", "proxy_on_done", "proxy_on_log"],
      [],
    ],
    [
      "what the mesh allows of what it imports",
      undefined,
      { capabilities: ["fd_write", "proxy_log", "proxy_done"] },
      ["fd_write", "proxy_log", "proxy_on_done", "proxy_on_log"],
      ["proxy_get_property"],
    ],
    [
      "what the mesh allows of what its object names",
      ["proxy_get_property", "proxy_log"],
      { capabilities: ["proxy_log"] },
      ["proxy_log", "proxy_on_done", "proxy_on_log"],
      ["proxy_get_property"],
    ],
    [
      "all, where the mesh only warns",
      undefined,
      { capabilities: ["proxy_log"], mode: "warn" },
      ["fd_write", "proxy_get_property", "proxy_log", "proxy_on_done", "proxy_on_log"],
      ["fd_write", "proxy_get_property"],
    ],
    [
      "callbacks, which need not be named",
      ["proxy_log", "proxy_on_log"],
      { capabilities: ["proxy_log"] },
      ["proxy_log", "proxy_on_done", "proxy_on_log"],
      [],
    ],
  ])("%s", (_name, own, mesh, allowed, beyond) => {
    expect(of(own, mesh)).toEqual({ ok: true, allowed, beyond });
  });

  it("its callbacks, where it imports nothing", () => {
    expect(of(undefined, { capabilities: [] }, BARE)).toEqual({ ok: true, allowed: ["proxy_on_log"], beyond: [] });
  });
});

describe("what would leave nothing, and so restrict nothing, is refused", () => {
  it.each<[string, readonly string[] | undefined, Partial<PluginPolicy>, string]>([
    ["an empty list of the object", [], {}, "NoCapabilities"],
    ["a list of nothing that it imports", ["proxy_http_call"], {}, "NoCapabilities"],
    ["an empty list of the mesh", undefined, { capabilities: [] }, "NoCapabilities"],
    ["two lists that have nothing in common", ["proxy_log"], { capabilities: ["fd_write"] }, "NoCapabilities"],
    ["a function that Envoy does not have", ["proxy_launch"], {}, "UnknownCapability"],
  ])("%s", (_name, own, mesh, reason) => {
    expect(of(own, mesh)).toMatchObject({ ok: false, problem: { reason } });
  });
});
