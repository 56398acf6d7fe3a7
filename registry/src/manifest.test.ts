import { expect, test } from "vitest";
import { RegistryError } from "./error.js";
import { decodeManifest, MAX_MANIFEST_BYTES } from "./manifest.js";
import { DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_LAYER_TAR_GZIP, OCI_MANIFEST } from "./media-types.js";

const digest = `sha256:${"0".repeat(64)}`;
const config = { mediaType: OCI_CONFIG, digest, size: 2 };
const layer = { mediaType: OCI_LAYER_TAR_GZIP, digest, size: 3, annotations: { a: "b" } };
const image = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] };
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

test("an image", () => {
  const manifest = decodeManifest(encode({ ...image, artifactType: "t", annotations: { x: "y" }, subject: config }));
  expect(manifest).toEqual({
    kind: "image",
    mediaType: OCI_MANIFEST,
    artifactType: "t",
    config,
    layers: [layer],
    subject: config,
    annotations: { x: "y" },
  });
});

test("an index with platforms", () => {
  const platform = { os: "linux", architecture: "arm", variant: "v7" };
  const manifests = [{ mediaType: OCI_MANIFEST, digest, size: 1, platform }];
  expect(decodeManifest(encode({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }))).toEqual({
    kind: "index",
    mediaType: OCI_INDEX,
    manifests: [{ mediaType: OCI_MANIFEST, digest, size: 1, platform: "linux/arm/v7" }],
    annotations: {},
  });
});

test("the Content-Type decides where the manifest says nothing, and its parameters don't count", () => {
  const { mediaType: _, ...bare } = image;
  expect(decodeManifest(encode(bare), `${DOCKER_MANIFEST}; charset=utf-8`).mediaType).toBe(DOCKER_MANIFEST);
  expect(decodeManifest(encode(image), `${OCI_MANIFEST.toUpperCase()};x=y`).mediaType).toBe(OCI_MANIFEST);
});

test.each<[string, unknown, string | undefined, string]>([
  ["text", "nonsense", undefined, "manifest is not an object"],
  ["a list", [], undefined, "manifest is not an object"],
  ["no schemaVersion", { ...image, schemaVersion: undefined }, undefined, "schemaVersion is not 2"],
  ["schema 1", { ...image, schemaVersion: 1 }, undefined, "schemaVersion is not 2"],
  ["another Content-Type", image, OCI_INDEX, "but it came with the Content-Type"],
  ["no type", { ...image, mediaType: undefined }, undefined, "mediaType is missing"],
  ["an unknown type", { ...image, mediaType: "text/html" }, undefined, "neither an image manifest nor"],
  ["a type that is no text", { ...image, mediaType: 1 }, undefined, "mediaType is not a string"],
  ["no config", { ...image, config: undefined }, undefined, "config is not an object"],
  ["layers that are no list", { ...image, layers: {} }, undefined, "layers is not a list"],
  ["a short digest", { ...image, config: { ...config, digest: "sha256:0" } }, undefined, "config.digest"],
  ["a negative size", { ...image, layers: [{ ...layer, size: -1 }] }, undefined, "layers[0].size"],
  ["a fractional size", { ...image, layers: [layer, { ...layer, size: 1.5 }] }, undefined, "layers[1].size"],
  ["an infinite size", { ...image, layers: [{ ...layer, size: 1e300 }] }, undefined, "layers[0].size"],
  ["an annotation that is no text", { ...image, annotations: { a: 1 } }, undefined, 'annotations["a"]'],
  ["urls that are no list", { ...image, layers: [{ ...layer, urls: "x" }] }, undefined, "layers[0].urls"],
  ["a bad subject", { ...image, subject: {} }, undefined, "subject.digest"],
])("refuses %s", (_, value, contentType, reason) => {
  const failure = catchError(() => decodeManifest(encode(value), contentType));
  expect(failure.code).toBe("invalid-manifest");
  expect(failure.message).toContain(reason);
});

test("refuses what is not UTF-8 JSON, and what is too large", () => {
  expect(catchError(() => decodeManifest(Uint8Array.of(0xff, 0xfe))).code).toBe("invalid-manifest");
  expect(catchError(() => decodeManifest(new TextEncoder().encode("{"))).code).toBe("invalid-manifest");
  expect(catchError(() => decodeManifest(new Uint8Array(MAX_MANIFEST_BYTES + 1))).code).toBe("too-large");
});

test("annotations cannot reach the prototype", () => {
  const bytes = new TextEncoder().encode(JSON.stringify(image).replace("{", '{"annotations":{"__proto__":"x"},'));
  const { annotations } = decodeManifest(bytes);
  expect(Object.getPrototypeOf(annotations)).toBe(Object.prototype);
  expect(Object.keys(annotations)).toEqual(["__proto__"]);
});

function catchError(run: () => unknown): RegistryError {
  try {
    run();
  } catch (error) {
    if (error instanceof RegistryError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
