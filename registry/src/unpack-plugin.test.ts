import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { noise, wasmModule } from "../test/fixtures.js";
import { digestOf } from "./digest.js";
import type { Descriptor, ImageManifest } from "./manifest.js";
import {
  DOCKER_LAYER_TAR_GZIP,
  DOCKER_MANIFEST,
  OCI_CONFIG,
  OCI_EMPTY,
  OCI_LAYER_TAR_GZIP,
  OCI_MANIFEST,
} from "./media-types.js";
import { packTar, type TarFile } from "./tar.js";
import { type PluginLimits, type UnpackedPlugin, unpackPlugin } from "./unpack-plugin.js";

const wasm = wasmModule(noise(5_000));
const yaml = new TextEncoder().encode("name: x\n");
const TITLE = "org.opencontainers.image.title";

interface Layer {
  readonly type: string;
  readonly bytes: Uint8Array;
  readonly title?: string;
}

/** An image with these layers, unpacked. */
async function unpack(
  layers: readonly Layer[],
  about: { readonly mediaType?: string; readonly config?: string; readonly limits?: PluginLimits } = {},
): Promise<UnpackedPlugin> {
  const describe = ({ type, bytes, title }: Layer): Descriptor => ({
    mediaType: type,
    digest: digestOf(bytes),
    size: bytes.byteLength,
    ...(title === undefined ? {} : { annotations: { [TITLE]: title } }),
  });
  const manifest: ImageManifest = {
    kind: "image",
    mediaType: about.mediaType ?? OCI_MANIFEST,
    config: { mediaType: about.config ?? OCI_CONFIG, digest: digestOf(yaml), size: yaml.byteLength },
    layers: layers.map(describe),
    annotations: {},
  };
  const fetchBlob = async ({ digest }: Descriptor, maxBytes: number): Promise<Uint8Array> => {
    const found = layers.find(({ bytes }) => digestOf(bytes) === digest)?.bytes;
    if (found === undefined || found.byteLength > maxBytes) throw new Error(`asked for ${digest} (${maxBytes})`);
    return found;
  };
  return unpackPlugin(manifest, fetchBlob, about.limits);
}

const archive = async (...files: readonly TarFile[]): Promise<Uint8Array> => gzipSync(await packTar(files));
const both = (folder = ""): readonly TarFile[] => [
  { name: `${folder}plugin.wasm`, bytes: wasm },
  { name: `${folder}plugin.yaml`, bytes: yaml },
];

test("A: an OCI image, its last layer", async () => {
  const plugin = await unpack([
    { type: OCI_LAYER_TAR_GZIP, bytes: await archive({ name: "other", bytes: yaml }) },
    { type: OCI_LAYER_TAR_GZIP, bytes: await archive(...both("app/"), { name: "plugin.yaml", bytes: noise(3) }) },
  ]);
  expect(plugin).toMatchObject({ layout: "oci-image", pluginYaml: "name: x\n" });
  expect(digestOf(plugin.wasm)).toBe(digestOf(wasm));
});

test("B: an image from docker build", async () => {
  const layers = [{ type: DOCKER_LAYER_TAR_GZIP, bytes: await archive(...both()) }];
  expect(await unpack(layers, { mediaType: DOCKER_MANIFEST })).toMatchObject({ layout: "docker-image" });
});

test.each<[string, string, readonly Layer[], string, string | undefined]>([
  [
    "C",
    "solo",
    [
      { type: "application/vnd.module.wasm.config.v1+json", bytes: yaml },
      { type: "application/vnd.module.wasm.content.layer.v1+wasm", bytes: wasm },
    ],
    OCI_CONFIG,
    undefined,
  ],
  ["D", "cncf-wasm", [{ type: "application/wasm", bytes: wasm }], "application/vnd.wasm.config.v0+json", undefined],
  [
    "E",
    "wasm-to-oci",
    [{ type: "application/vnd.wasm.content.layer.v1+wasm", bytes: wasm }],
    "application/vnd.wasm.config.v1+json",
    undefined,
  ],
  ["F", "single-file", [{ type: "application/wasm", bytes: wasm }], OCI_EMPTY, undefined],
  ["F by title", "single-file", [{ type: "a/b", bytes: wasm, title: "my.wasm" }], OCI_EMPTY, undefined],
  [
    "F by content",
    "single-file",
    [{ type: "application/vnd.oci.image.layer.v1.tar", bytes: wasm }],
    OCI_EMPTY,
    undefined,
  ],
  [
    "F with plugin.yaml",
    "single-file",
    [
      { type: "application/wasm", bytes: wasm, title: "x.wasm" },
      { type: "application/yaml", bytes: yaml, title: "plugin.yaml" },
    ],
    OCI_EMPTY,
    "name: x\n",
  ],
])("%s: %s", async (_, layout, layers, config, pluginYaml) => {
  const plugin = await unpack(layers, { config });
  expect(plugin.layout).toBe(layout);
  expect(plugin.pluginYaml).toBe(pluginYaml);
  expect(digestOf(plugin.wasm)).toBe(digestOf(wasm));
});

test("one layer of a type of its own may be an archive", async () => {
  const plugin = await unpack([{ type: "application/x-acme", bytes: await archive(...both()) }]);
  expect(plugin).toMatchObject({ layout: "single-file", pluginYaml: "name: x\n" });
});

test("an image without a plugin: the error says what was tried", async () => {
  const failure = await unpack([
    { type: "text/plain", bytes: yaml },
    { type: "text/html", bytes: yaml },
  ]).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "unsupported-artifact", hint: expect.stringContaining("plugin.wasm") });
  const { message } = failure as Error;
  for (const layout of ["oci-image", "docker-image", "solo", "cncf-wasm", "wasm-to-oci", "single-file"]) {
    expect(message).toContain(layout);
  }
  await expect(unpack([])).rejects.toMatchObject({ code: "unsupported-artifact" });
});

test.each<[string, () => Promise<Uint8Array> | Uint8Array, string, string]>([
  ["no gzip", () => noise(500), "invalid-artifact", "not valid gzip"],
  ["a truncated gzip", async () => (await archive(...both())).subarray(0, 400), "invalid-artifact", "not valid gzip"],
  ["gzip of no tar", () => gzipSync(noise(2_000)), "invalid-artifact", "tar archive"],
  ["an empty archive", () => archive(), "invalid-artifact", "only: nothing"],
  ["no plugin.wasm", () => archive({ name: "main.wasm", bytes: wasm }), "invalid-artifact", "only: main.wasm"],
  [
    "two plugin.wasm",
    () => archive(...both(), ...both("x/")),
    "invalid-artifact",
    "twice: plugin.wasm and x/plugin.wasm",
  ],
  ["garbage", () => archive({ name: "plugin.wasm", bytes: noise(99) }), "invalid-artifact", "magic bytes"],
  ["an empty module", () => archive({ name: "plugin.wasm", bytes: new Uint8Array(0) }), "invalid-artifact", "0 bytes"],
  [
    "a large module",
    () => archive({ name: "plugin.wasm", bytes: wasmModule(noise(10_001)) }),
    "too-large",
    "the 10000 allowed",
  ],
  [
    "a manifest that is no text",
    () => archive({ name: "plugin.wasm", bytes: wasm }, { name: "plugin.yaml", bytes: Uint8Array.of(0xff) }),
    "invalid-artifact",
    "not UTF-8",
  ],
  [
    "a bomb",
    () => gzipSync(Buffer.alloc(50 * 1024 * 1024)),
    "too-large",
    "more than 1000000 bytes when it is unpacked",
  ],
])("refuses %s", async (_, make, code, reason) => {
  const limits = { maxUnpackedBytes: 1_000_000, maxWasmBytes: 10_000, maxEntries: 5 };
  await expect(unpack([{ type: OCI_LAYER_TAR_GZIP, bytes: await make() }], { limits })).rejects.toMatchObject({
    code,
    message: expect.stringContaining(reason),
  });
});

test("a raw layer is checked as strictly", async () => {
  await expect(unpack([{ type: "application/wasm", bytes: noise(99) }])).rejects.toMatchObject({
    code: "invalid-artifact",
  });
  const limits = { maxWasmBytes: 100 };
  await expect(unpack([{ type: "application/wasm", bytes: wasm }], { limits })).rejects.toMatchObject({
    code: "too-large",
  });
});

test("the layer limit goes to whoever fetches", async () => {
  const layers = [{ type: OCI_LAYER_TAR_GZIP, bytes: await archive(...both()) }];
  await expect(unpack(layers, { limits: { maxLayerBytes: 10 } })).rejects.toThrow("(10)");
});
