import { packPlugin } from "@weft/registry";
import { describe, expect, it } from "vitest";
import { moduleWith } from "../../../test/wasm-bytes.js";
import { decodeImage, encodeImage, type ModuleImage, unpackImage } from "./module-image.js";

const WASM = moduleWith(["proxy_abi_version_0_2_1"]);
const LIMITS = { maxModuleBytes: 10_000 };

async function imageOf(wasm = WASM): Promise<{ readonly image: ModuleImage; readonly digest: string }> {
  const artifact = await packPlugin({ wasm, pluginYaml: "name: p\nrootId: p\n" });
  const { manifest, manifestBytes, manifestDigest, layer } = artifact;
  return { image: [Buffer.from(manifest.mediaType), manifestBytes, layer.bytes], digest: manifestDigest };
}

it("is the same after it was sent", async () => {
  const { image, digest } = await imageOf();
  const got = decodeImage(encodeImage(image));
  expect(got?.map((part) => Buffer.from(part))).toEqual(image.map((part) => Buffer.from(part)));
  const plugin = await unpackImage(got ?? [], digest, LIMITS);
  expect(plugin).toMatchObject({ digest, pluginYaml: "name: p\nrootId: p\n" });
  expect(Buffer.from(plugin.wasm)).toEqual(Buffer.from(WASM));
});

describe("what is not what the digest names is refused:", () => {
  const changed = (part: Uint8Array) => Buffer.from(part).fill(1, 10, 12);
  it.each<[string, (image: ModuleImage) => ModuleImage, string]>([
    ["another manifest", ([type, manifest, ...blobs]) => [type!, changed(manifest!), ...blobs], "digest-mismatch"],
    ["other blobs", ([type, manifest, ...blobs]) => [type!, manifest!, ...blobs.map(changed)], "digest-mismatch"],
    ["no blobs", ([type, manifest]) => [type!, manifest!], "digest-mismatch"],
    ["blobs cut off", ([t, m, ...blobs]) => [t!, m!, ...blobs.map((part) => part.subarray(1))], "digest-mismatch"],
    ["nothing", () => [], "digest-mismatch"],
  ])("%s", async (_name, spoil, code) => {
    const { image, digest } = await imageOf();
    await expect(unpackImage(spoil(image), digest, LIMITS)).rejects.toMatchObject({ code });
  });

  it("a whole image of another module", async () => {
    const { digest } = await imageOf();
    const other = await imageOf(moduleWith(["proxy_abi_version_0_2_0"]));
    await expect(unpackImage(other.image, digest, LIMITS)).rejects.toMatchObject({ code: "digest-mismatch" });
  });
});

it("is refused when its module is larger than allowed", async () => {
  const { image, digest } = await imageOf();
  await expect(unpackImage(image, digest, { maxModuleBytes: WASM.length - 1 })).rejects.toMatchObject({
    code: "too-large",
  });
});

it.each<[string, Uint8Array]>([
  ["nothing", new Uint8Array()],
  ["half a length", new Uint8Array(3)],
  ["a part that is cut off", encodeImage([new Uint8Array(5), new Uint8Array(5)]).subarray(0, -1)],
  ["one part", encodeImage([new Uint8Array(5)])],
  ["more parts than an image has", encodeImage(Array.from({ length: 9 }, () => new Uint8Array(1)))],
  ["text", Buffer.from("not found")],
])("%s is no image", (_name, bytes) => {
  expect(decodeImage(bytes)).toBeUndefined();
});
