import { expect } from "vitest";
import { digestOf } from "../../src/digest.js";
import { OCI_MANIFEST } from "../../src/media-types.js";
import { type Api, asManifest, DIGEST } from "../api.js";
import type { TestRegistryOptions } from "../fixtures.js";

/**
 * What the distribution specification asks of a registry, in our own words, in its order. Each row is one or more of its
 * sentences with MUST or SHOULD; `section` is the heading it stands under.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
export interface Row {
  readonly section: string;
  readonly level: "MUST" | "SHOULD";
  readonly requirement: string;
  readonly options?: Omit<TestRegistryOptions, "storage">;
  check(api: Api): Promise<void>;
}

export const MANIFEST = "/v2/p/manifests";
export const BLOB = `/v2/p/blobs/${DIGEST}`;

export const statusOf = async (api: Api, method: string, path: string, options = {}): Promise<number> => {
  const response = await api.call(method, path, options);
  await response.arrayBuffer();
  return response.status;
};

/** Pushes a manifest under a tag, or under its digest; what it consists of is pushed before. */
export async function push(api: Api, tag?: string, change: Record<string, unknown> = {}, type = OCI_MANIFEST) {
  const bytes = await api.manifestBytes({ mediaType: type, ...change });
  const digest = digestOf(bytes);
  const response = await api.call("PUT", `${MANIFEST}/${tag ?? digest}`, asManifest(bytes, type));
  expect(response.status).toBe(201);
  return { bytes, digest, headers: response.headers };
}

export async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

/** The blob behind a Location of the registry. */
export async function expectPullable(api: Api, location: string | null, content: Uint8Array): Promise<void> {
  const response = await api.call("GET", location ?? "no location");
  expect(response.status).toBe(200);
  expect((await bytesOf(response)).equals(content)).toBe(true);
}

export async function tagsOf(api: Api, query = ""): Promise<{ tags: string[]; link: string | null }> {
  const response = await api.call("GET", `/v2/p/tags/list${query}`);
  expect(response.status).toBe(200);
  const { name, tags } = (await response.json()) as { name: string; tags: string[] };
  expect(name).toBe("p");
  return { tags, link: response.headers.get("link") };
}

export async function referrersOf(api: Api, subject: string, query = "") {
  const response = await api.call("GET", `/v2/p/referrers/${subject}${query}`);
  expect(response.status).toBe(200);
  const text = await response.text();
  const index = JSON.parse(text) as { schemaVersion: number; mediaType: string; manifests: Record<string, unknown>[] };
  return { index, bytes: Buffer.byteLength(text), headers: response.headers };
}

export const subjectOf = (digest: string) => ({ mediaType: OCI_MANIFEST, digest, size: 7 });
export const INDEX = { manifests: [], config: undefined, layers: undefined };
