import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { noise, wasmModule } from "../test/fixtures.js";
import { digestOf } from "./digest.js";
import { decodeManifest } from "./manifest.js";
import { type PluginFiles, packPlugin } from "./pack-plugin.js";
import { unpackPlugin } from "./unpack-plugin.js";

const files: PluginFiles = {
  wasm: wasmModule(noise(50_000)),
  pluginYaml: "name: retry\nversion: 1.0.0\n",
  extraFiles: {
    "README.md": new TextEncoder().encode("# Retry\n"),
    "schema/config.json": new TextEncoder().encode("{}"),
  },
  annotations: { "org.opencontainers.image.version": "1.0.0", "org.opencontainers.image.title": "retry" },
};

test("the manifest is layout A, to the letter", async () => {
  const { manifestBytes, layer, config } = await packPlugin(files);
  const tar = gunzipSync(layer.bytes);
  expect(JSON.parse(new TextDecoder().decode(manifestBytes))).toEqual({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    artifactType: "application/vnd.weft.wasm-plugin.v1+json",
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      digest: digestOf(config.bytes),
      size: config.bytes.byteLength,
    },
    layers: [
      {
        mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
        digest: digestOf(layer.bytes),
        size: layer.bytes.byteLength,
        annotations: {
          "io.deis.oras.content.digest": digestOf(tar),
          "io.deis.oras.content.unpack": "true",
          "org.opencontainers.image.title": ".",
        },
      },
    ],
    annotations: {
      "mesh.weft.plugin.wasm-sha256": digestOf(files.wasm).slice("sha256:".length),
      "module.wasm.image/variant": "compat",
      "org.opencontainers.image.title": "retry",
      "org.opencontainers.image.version": "1.0.0",
    },
  });
  expect(JSON.parse(new TextDecoder().decode(config.bytes))).toEqual({
    architecture: "wasm",
    os: "wasip1",
    config: {},
    rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
  });
});

test("what is returned belongs together, and comes back whole", async () => {
  const { manifest, manifestBytes, manifestDigest, layer, wasmSha256 } = await packPlugin(files);
  expect(decodeManifest(manifestBytes)).toEqual(manifest);
  expect(digestOf(manifestBytes)).toBe(manifestDigest);
  const plugin = await unpackPlugin(manifest, async () => layer.bytes);
  expect(Buffer.compare(plugin.wasm, files.wasm)).toBe(0);
  expect(`sha256:${wasmSha256}`).toBe(digestOf(plugin.wasm));
  expect(plugin.pluginYaml).toBe(files.pluginYaml);
  expect(plugin.layout).toBe("oci-image");
  expect([...plugin.extraFiles.keys()]).toEqual(["README.md", "schema/config.json"]);
});

describe("equal input gives the same digest", () => {
  test("whatever the order of files and annotations", async () => {
    const reverse = <T>(record: Readonly<Record<string, T>> = {}): Record<string, T> => {
      return Object.fromEntries(Object.entries(record).reverse());
    };
    const again = { ...files, extraFiles: reverse(files.extraFiles), annotations: reverse(files.annotations) };
    expect((await packPlugin(again)).manifestDigest).toBe((await packPlugin(files)).manifestDigest);
  });

  test("on every machine: this one is known", async () => {
    expect((await packPlugin(files)).manifestDigest).toBe(
      "sha256:8dbf6ecdc2c2c7f83624994b84298d96c629665230ba1c387586849a0e966783",
    );
  });

  test("and any other input another one", async () => {
    const { manifestDigest } = await packPlugin(files);
    const changes: Partial<PluginFiles>[] = [
      { wasm: wasmModule(noise(50_000, 2)) },
      { pluginYaml: "name: other\n" },
      { extraFiles: {} },
      { annotations: {} },
    ];
    const digests = await Promise.all(
      changes.map(async (change) => (await packPlugin({ ...files, ...change })).manifestDigest),
    );
    expect(new Set([manifestDigest, ...digests]).size).toBe(changes.length + 1);
  });
});

test.each<[string, Partial<PluginFiles>, string]>([
  ["no module", { wasm: new Uint8Array(0) }, "plugin.wasm: it has 0 bytes"],
  ["text instead of a module", { wasm: new TextEncoder().encode("not a module") }, "does not start with the magic"],
  ["a component", { wasm: Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0) }, "a Wasm component"],
  ["a module of version 2", { wasm: Uint8Array.of(0, 0x61, 0x73, 0x6d, 2, 0, 0, 0) }, "version 2"],
  ["an empty plugin.yaml", { pluginYaml: "" }, "plugin.yaml has 0 bytes"],
  ["a huge plugin.yaml", { pluginYaml: "x".repeat(300_000) }, "plugin.yaml has 300000 bytes"],
  ["a path outside", { extraFiles: { "../x": new Uint8Array(0) } }, '"../x"'],
  ["an absolute path", { extraFiles: { "/x": new Uint8Array(0) } }, '"/x"'],
  ["a folder", { extraFiles: { "x/": new Uint8Array(0) } }, '"x/"'],
  ["a long name", { extraFiles: { ["x".repeat(101)]: new Uint8Array(0) } }, "at most 100"],
  ["a second module", { extraFiles: { "a/plugin.wasm": new Uint8Array(0) } }, "only one plugin.wasm"],
  ["an annotation of ours", { annotations: { "module.wasm.image/variant": "x" } }, "is set by the layout"],
  ["a digest of ours", { annotations: { "mesh.weft.plugin.wasm-sha256": "x" } }, "is set by the layout"],
])("refuses %s", async (_, change, reason) => {
  await expect(packPlugin({ ...files, ...change })).rejects.toMatchObject({
    code: "invalid-artifact",
    message: expect.stringContaining(reason),
  });
});
