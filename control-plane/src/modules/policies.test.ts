import { describe, expect, it } from "vitest";
import { mkPlugin } from "../../../test/builders.js";
import { DEFAULT_PLUGIN_POLICY, type PluginPolicy } from "../model/mesh-config.js";
import type { Plugin } from "../model/plugin.js";
import { referenceProblems } from "./reference-policy.js";
import { brokenRules, signatureRules } from "./signature-rules.js";

const MESH = "MeshConfig weft-system/default";
const key = (hint: string) => ({ hint, pem: "", verify: () => true });
const KEYS = { own: [key("own")], mesh: [key("mesh")] };
const DIGEST = "0".repeat(64);

describe("how an image is named", () => {
  const reasons = (over: Partial<Plugin>, policy: Partial<PluginPolicy>) =>
    referenceProblems(mkPlugin("p", over), { ...DEFAULT_PLUGIN_POLICY, ...policy }, MESH).map(({ reason }) => reason);

  it.each<[Partial<Plugin>, Partial<PluginPolicy>, readonly string[]]>([
    [{}, {}, []],
    [{}, { registries: ["registry.test"] }, []],
    [{}, { registries: ["*.test"] }, []],
    [{}, { registries: ["ghcr.io"] }, ["RegistryNotAllowed"]],
    [{}, { registries: [] }, ["RegistryNotAllowed"]],
    [{ url: "oci://registry.test.evil.example/p:1" }, { registries: ["registry.test"] }, ["RegistryNotAllowed"]],
    [{ url: "oci://retry:1" }, { registries: ["docker.io"] }, []],
    [{ url: "oci://registry.test:5000/p:1" }, { registries: ["registry.test"] }, ["RegistryNotAllowed"]],
    [{ url: "file://p.wasm" }, { registries: ["*"] }, ["RegistryNotAllowed"]],
    [{ url: "file://p.wasm" }, { registries: ["file://"] }, []],
    [{}, { requireDigest: true }, ["DigestRequired"]],
    [{ sha256: DIGEST }, { requireDigest: true }, []],
    [{}, { requireDigest: true, registries: ["ghcr.io"] }, ["RegistryNotAllowed", "DigestRequired"]],
  ])("%j under %j: %j", (over, policy, expected) => {
    expect(reasons(over, policy)).toEqual(expected);
  });
});

describe("who must sign", () => {
  const required = (repositories: readonly string[] = []) => ({ required: true, keys: [], repositories });
  const own = (over = {}) =>
    ({ verification: { required: true, keys: [{ kind: "inline", pem: "" }], ...over } }) as const;
  /** `source: keys enforced`. */
  const rules = (over: Partial<Plugin>, policy: Partial<PluginPolicy>) =>
    signatureRules(mkPlugin("p", over), { ...DEFAULT_PLUGIN_POLICY, ...policy }, MESH, KEYS).map(
      ({ source, keys, enforced }) => `${source}: ${keys.map(({ hint }) => hint).join()} ${enforced}`,
    );

  it.each<[string, Partial<Plugin>, Partial<PluginPolicy>, readonly string[]]>([
    ["nobody", {}, {}, []],
    ["the mesh", {}, { verification: required() }, [`${MESH}: mesh true`]],
    ["the mesh, which only warns", {}, { verification: required(), mode: "warn" }, [`${MESH}: mesh false`]],
    [
      "the mesh, for some repositories",
      {},
      { verification: required(["registry.test/plugins/*"]) },
      [`${MESH}: mesh true`],
    ],
    ["nobody, for other repositories", {}, { verification: required(["ghcr.io/**"]) }, []],
    ["the plugin", own(), {}, ["spec.verification: own true"]],
    ["the plugin, if it likes", own({ required: false }), {}, ["spec.verification: own false"]],
    ["the plugin, by the keys of the mesh", own({ keys: [] }), {}, ["spec.verification: mesh true"]],
    ["the plugin, whatever the mode of the mesh", own(), { mode: "warn" }, ["spec.verification: own true"]],
    [
      "both: a plugin's own key does not do for the mesh",
      own(),
      { verification: required() },
      ["spec.verification: own true", `${MESH}: mesh true`],
    ],
  ])("%s", (_name, over, policy, expected) => {
    expect(rules(over, policy)).toEqual(expected);
  });
});

describe("brokenRules", () => {
  const rule = (hint: string | undefined, enforced = true) => ({
    source: "S",
    keys: hint === undefined ? [] : [key(hint)],
    enforced,
  });
  const broken = (rules: Parameters<typeof brokenRules>[0], keys: string[], problems: string[] = []) =>
    brokenRules(rules, { keys: new Set(keys), problems }).map(({ reason, enforced }) => `${reason} ${enforced}`);

  it.each<[string, Parameters<typeof brokenRules>[0], string[], string[], string[]]>([
    ["signed by the key", [rule("a")], ["a"], [], []],
    ["signed by one more key", [rule("a")], ["b", "a"], [], []],
    ["signed by another key", [rule("a")], ["b"], ["another key"], ["UnknownKey true"]],
    ["not signed", [rule("a")], [], [], ["NoSignature true"]],
    ["no key to check with", [rule(undefined)], ["a"], [], ["NoKeys true"]],
    ["only one of two rules kept", [rule("a"), rule("b")], ["a"], ["x"], ["UnknownKey true"]],
    ["what is enforced goes first", [rule("a", false), rule("b")], [], [], ["NoSignature true", "NoSignature false"]],
  ])("%s", (_name, rules, keys, problems, expected) => {
    expect(broken(rules, keys, problems)).toEqual(expected);
  });
});
