import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { digestOf } from "../src/digest.js";
import { MAX_MANIFEST_BYTES } from "../src/manifest.js";
import { OCI_CONFIG, OCI_INDEX, OCI_MANIFEST } from "../src/media-types.js";
import { type Api, asManifest, codeOf, createApi, OTHER } from "../test/api.js";
import { createCleanup, STORAGES, startRegistry, tempFolder } from "../test/fixtures.js";
import { createRegistryServer } from "./index.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

interface Index {
  readonly schemaVersion: number;
  readonly mediaType: string;
  readonly manifests: readonly Record<string, unknown>[];
}

const subjectOf = (digest: string) => ({ mediaType: OCI_MANIFEST, digest, size: 7 });

async function push(api: Api, change: Record<string, unknown>, type = OCI_MANIFEST): Promise<string> {
  const bytes = await api.manifestBytes({ mediaType: type, ...change });
  const digest = digestOf(bytes);
  const put = await api.call("PUT", `/v2/p/manifests/${digest}`, asManifest(bytes, type));
  expect(put.status).toBe(201);
  const { subject } = change as { readonly subject?: { readonly digest: string } };
  expect(put.headers.get("oci-subject")).toBe(subject?.digest ?? null);
  return digest;
}

async function list(api: Api, path: string): Promise<{ readonly index: Index; readonly headers: Headers }> {
  const response = await api.call("GET", path);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, OCI_INDEX]);
  const index = (await response.json()) as Index;
  expect([index.schemaVersion, index.mediaType]).toEqual([2, OCI_INDEX]);
  return { index, headers: response.headers };
}

describe.each(STORAGES)("%s", (storage) => {
  let api: Api;
  beforeEach(async () => {
    api = createApi(await startRegistry(cleanup, { storage }));
  });

  test("nothing refers to what is not there", async () => {
    for (const name of ["p", "q/r"]) {
      const { index, headers } = await list(api, `/v2/${name}/referrers/${OTHER}`);
      expect(index.manifests).toEqual([]);
      expect([headers.get("oci-filters-applied"), headers.get("link")]).toEqual([null, null]);
    }
    const bad = await api.call("GET", "/v2/p/referrers/sha256:short");
    expect([bad.status, await codeOf(bad)]).toEqual([400, "DIGEST_INVALID"]);
    expect((await api.call("DELETE", `/v2/p/referrers/${OTHER}`)).status).toBe(405);
  });

  test("images and indexes are listed with type, size and annotations, before and after their subject", async () => {
    const target = await push(api, { annotations: { is: "the subject" } });
    const subject = subjectOf(target);
    const typed = await push(api, { subject, artifactType: "application/x", annotations: { a: "1" } });
    const byConfig = await push(api, { subject, artifactType: "" });
    const empty = { manifests: [], config: undefined, layers: undefined };
    const typedIndex = await push(api, { ...empty, subject, artifactType: "application/y" }, OCI_INDEX);
    const plainIndex = await push(api, { ...empty, subject }, OCI_INDEX);
    await push(api, { subject: subjectOf(OTHER) });

    const { index } = await list(api, `/v2/p/referrers/${target}`);
    const found = new Map(index.manifests.map((entry) => [entry.digest, entry]));
    expect([...found.keys()]).toEqual([typed, byConfig, typedIndex, plainIndex].sort());
    expect(found.get(typed)).toMatchObject({ artifactType: "application/x", annotations: { a: "1" } });
    expect(found.get(typed)).toMatchObject({ mediaType: OCI_MANIFEST, size: expect.any(Number) });
    expect(found.get(byConfig)).toMatchObject({ artifactType: OCI_CONFIG });
    expect(found.get(typedIndex)).toMatchObject({ mediaType: OCI_INDEX, artifactType: "application/y" });
    expect(found.get(plainIndex)).not.toHaveProperty("artifactType");
    expect((await list(api, `/v2/q/referrers/${target}`)).index.manifests).toEqual([]);

    const filtered = await list(api, `/v2/p/referrers/${target}?artifactType=application%2Fx`);
    expect(filtered.index.manifests.map(({ digest }) => digest)).toEqual([typed]);
    expect(filtered.headers.get("oci-filters-applied")).toBe("artifactType");

    for (const digest of [typed, plainIndex])
      expect((await api.call("DELETE", `/v2/p/manifests/${digest}`)).status).toBe(202);
    const { index: left } = await list(api, `/v2/p/referrers/${target}`);
    expect(left.manifests.map(({ digest }) => digest)).toEqual([byConfig, typedIndex].sort());
  });

  test("more than 4 MiB of them come in pages", async () => {
    const subject = subjectOf(OTHER);
    const digests: string[] = [];
    for (let i = 0; i < 5; i++)
      digests.push(await push(api, { subject, annotations: { long: `${i}`.repeat(1.4 * 1024 * 1024) } }));
    const seen: unknown[] = [];
    let path: string | undefined = `/v2/p/referrers/${OTHER}?artifactType=${encodeURIComponent(OCI_CONFIG)}`;
    let pages = 0;
    while (path !== undefined) {
      const { index, headers }: { index: Index; headers: Headers } = await list(api, path);
      expect(Buffer.byteLength(JSON.stringify(index))).toBeLessThanOrEqual(MAX_MANIFEST_BYTES);
      seen.push(...index.manifests.map(({ digest }) => digest));
      path = /^<(.*)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1];
      pages += 1;
    }
    expect(seen).toEqual(digests.sort());
    expect(pages).toBe(3);
  });
});

test("a folder written before referrers were kept has them, and a draft of a crash is not served", async () => {
  const dir = await tempFolder(cleanup);
  const first = await createRegistryServer({ dir });
  const digest = await push(createApi(first.address), { subject: subjectOf(OTHER) });
  await first.close(0);
  await rm(join(dir, "repositories", "p", "referrers"), { recursive: true });
  await mkdir(join(dir, "temporary", "draft", "x"), { recursive: true });
  const second = await createRegistryServer({ dir, uploadExpiryMs: 0 });
  cleanup.add(() => second.close(0));
  expect(await readdir(join(dir, "temporary"))).toEqual([]);
  const { index } = await list(createApi(second.address), `/v2/p/referrers/${OTHER}`);
  expect(index.manifests.map((entry) => entry.digest)).toEqual([digest]);
});
