import { describe, expect, it } from "vitest";
import { mkManifest, mkPlugin, mkServed, ready } from "../../test/builders.js";
import type { ModuleState } from "./model/module-state.js";
import type { Plugin } from "./model/plugin.js";
import type { Snapshot } from "./model/snapshot.js";
import { createPluginReview } from "./plugin-review.js";

const SCHEMA = { type: "object", properties: { limit: { type: "integer" } }, additionalProperties: false };
const MANIFEST = mkManifest("guard", { configSchema: SCHEMA });
const DIGEST = "ab".repeat(32);

/** What is said of a plugin, where these modules are known: `severity reason field`. */
async function said(over: Partial<Plugin>, modules: Readonly<Record<string, ModuleState>> = {}): Promise<string[]> {
  const names = Object.keys(modules).map((key) => key.replace("default/", ""));
  const snapshot: Pick<Snapshot, "plugins" | "modules"> = {
    plugins: new Map(names.map((name) => [`default/${name}`, mkPlugin(name)])),
    modules: new Map(Object.entries(modules)),
  };
  const review = createPluginReview(() => snapshot as Snapshot);
  const found = await review(mkPlugin("guard", { phase: "stats", ...over }));
  return found.map(({ severity, reason, field }) => `${severity} ${reason} ${field}`);
}

describe("a plugin that is to be written", () => {
  const here = { "default/guard": ready("guard", { manifest: MANIFEST, digest: `sha256:${DIGEST}` }) };
  const right = '{"limit":1}';
  const wrong = '{"limit":"one"}';

  it.each<[string, Partial<Plugin>, Readonly<Record<string, ModuleState>>, readonly string[]]>([
    ["without a configuration is not looked at", {}, {}, []],
    [
      "with one is to be checked later, when its image is not here",
      { config: right },
      {},
      ["warning ConfigNotChecked spec.pluginConfig"],
    ],
    ["may have one that fits", { config: right }, here, []],
    ["must not have one that doesn't", { config: wrong }, here, ["error InvalidConfig spec.pluginConfig"]],
    [
      "with a tag that moves may",
      { config: wrong, imagePullPolicy: "Always" },
      here,
      ["warning InvalidConfig spec.pluginConfig"],
    ],
    [
      "with a digest may not",
      { config: wrong, imagePullPolicy: "Always", sha256: DIGEST },
      here,
      ["error InvalidConfig spec.pluginConfig"],
    ],
    [
      "with another digest is to be checked later",
      { config: wrong, sha256: "cd".repeat(32) },
      here,
      ["warning ConfigNotChecked spec.pluginConfig"],
    ],
    [
      "with another image too",
      { config: wrong, url: "oci://registry.test/plugins/guard:2" },
      here,
      ["warning ConfigNotChecked spec.pluginConfig"],
    ],
    [
      "is checked by the same image of another plugin",
      { config: wrong },
      { "default/other": ready("other", { manifest: MANIFEST, url: "oci://registry.test/plugins/guard:1" }) },
      ["error InvalidConfig spec.pluginConfig"],
    ],
    ["that guards and was never ready denies", { phase: "authz" }, {}, ["warning GuardNotReady spec.failStrategy"]],
    ["that guards and was ready is nothing to be told of", { phase: "authz" }, here, []],
    [
      "that guards and fails now was ready",
      { phase: "authn" },
      { "default/guard": { kind: "pending", message: "", lastGood: mkServed("guard") } },
      [],
    ],
    ["that may be left out guards nothing", { phase: "authz", failStrategy: "FAIL_OPEN" }, {}, []],
  ])("%s", async (_what, over, modules, expected) => expect(await said(over, modules)).toEqual(expected));
});
