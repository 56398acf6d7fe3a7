import { describe, expect, it } from "vitest";
import { mkMeshConfig, mkPlugin } from "../../../test/builders.js";
import { DEFAULT_PLUGIN_POLICY, type MeshConfig, type PluginPolicy } from "../model/mesh-config.js";
import type { Plugin } from "../model/plugin.js";
import type { Secret } from "../model/secret.js";
import { policyInputs } from "./policy-inputs.js";

const ROOT = "weft-system";
const secret = (namespace: string, name: string, over: Partial<Secret> = {}): Secret => ({
  namespace,
  name,
  publicKeys: {},
  ...over,
});
const mesh = (plugins: Partial<PluginPolicy>): MeshConfig =>
  mkMeshConfig({ plugins: { ...DEFAULT_PLUGIN_POLICY, ...plugins } });
const inputs = (over: Partial<Plugin>, secrets: readonly Secret[] = [], config?: MeshConfig) =>
  policyInputs(
    mkPlugin("p", over),
    {
      meshConfigs: new Map(config === undefined ? [] : [[`${config.namespace}/${config.name}`, config]]),
      secrets: new Map(secrets.map((one) => [`${one.namespace}/${one.name}`, one])),
    },
    ROOT,
  );
const fromSecret = { kind: "secret", name: "keys", entry: "cosign.pub" } as const;

describe("policyInputs", () => {
  it("are the defaults without a MeshConfig, or with one elsewhere", () => {
    expect(inputs({})).toMatchObject({ mesh: DEFAULT_PLUGIN_POLICY, ownKeys: [], meshKeys: [] });
    expect(inputs({}, [], { ...mesh({ requireDigest: true }), namespace: "default" }).mesh.requireDigest).toBe(false);
    expect(inputs({}, [], mesh({ requireDigest: true })).mesh.requireDigest).toBe(true);
  });

  it("have keys from the object, from Secrets of its namespace, and from those of the root namespace", () => {
    const verification = { required: true, keys: [{ kind: "inline", pem: "A" }, fromSecret] as const };
    const ofMesh = { required: true, keys: [fromSecret], repositories: [] };
    const secrets = [
      secret("default", "keys", { publicKeys: { "cosign.pub": "B" } }),
      secret(ROOT, "keys", { publicKeys: { "cosign.pub": "C" } }),
    ];
    const { ownKeys, meshKeys, problem } = inputs({ verification }, secrets, mesh({ verification: ofMesh }));
    expect(ownKeys.map(({ pem }) => pem)).toEqual(["A", "B"]);
    expect(meshKeys.map(({ pem }) => pem)).toEqual(["C"]);
    expect(problem).toBeUndefined();
  });

  it.each<[string, Partial<Plugin>, readonly Secret[], string, RegExp]>([
    [
      "a key's Secret that is not there",
      { verification: { required: true, keys: [fromSecret] } },
      [],
      "KeyNotFound",
      /default\/keys, which is not there/,
    ],
    [
      "a key's Secret of another namespace",
      { verification: { required: true, keys: [fromSecret] } },
      [secret(ROOT, "keys", { publicKeys: { "cosign.pub": "C" } })],
      "KeyNotFound",
      /is not there/,
    ],
    [
      "a Secret without that entry",
      { verification: { required: true, keys: [fromSecret] } },
      [secret("default", "keys", { publicKeys: { other: "B" } })],
      "KeyNotFound",
      /no public key in its entry cosign\.pub/,
    ],
    ["a pull secret that is not there", { imagePullSecret: "pull" }, [], "SecretNotFound", /default\/pull/],
    [
      "a pull secret of another namespace",
      { imagePullSecret: "pull" },
      [secret(ROOT, "pull", { dockerConfig: "{}" })],
      "SecretNotFound",
      /default\/pull/,
    ],
    [
      "a pull secret of another type",
      { imagePullSecret: "pull" },
      [secret("default", "pull")],
      "SecretUnusable",
      /dockerconfigjson/,
    ],
  ])("say what is wrong with %s", (_name, over, secrets, reason, message) => {
    expect(inputs(over, secrets).problem).toMatchObject({ reason, message: expect.stringMatching(message) });
  });

  it("have the pull secret of the plugin's namespace", () => {
    const found = inputs({ imagePullSecret: "pull" }, [secret("default", "pull", { dockerConfig: '{"auths":{}}' })]);
    expect(found.pullSecret).toEqual({ name: "default/pull", dockerConfig: '{"auths":{}}' });
  });
});
