import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { digestOf } from "../src/digest.js";
import { OCI_INDEX, OCI_MANIFEST } from "../src/media-types.js";
import { type Api, asManifest, CONTENT, codeOf, createApi, DIGEST, OTHER } from "../test/api.js";
import { createCleanup, STORAGES, startRegistry } from "../test/fixtures.js";

const cleanup = createCleanup();
let api: Api;
describe.each(STORAGES)("%s", (storage) => {
  beforeEach(async () => {
    api = createApi(await startRegistry(cleanup, { storage, maxUploadBytes: 100_000 }));
  });
  afterEach(() => cleanup.run());

  describe("manifests", () => {
    test("come back to the byte, by tag and by digest, with the type they were pushed with", async () => {
      const bytes = await api.manifestBytes();
      const digest = digestOf(bytes);
      const put = await api.call("PUT", "/v2/p/manifests/v1", asManifest(bytes, `${OCI_MANIFEST}; charset=utf-8`));
      expect([put.status, put.headers.get("location")]).toEqual([201, `/v2/p/manifests/${digest}`]);
      expect(put.headers.get("docker-content-digest")).toBe(digest);
      expect(put.headers.get("oci-subject")).toBeNull();
      for (const reference of ["v1", digest, encodeURIComponent(digest)]) {
        const got = await api.call("GET", `/v2/p/manifests/${reference}`);
        expect(got.status).toBe(200);
        expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
        for (const { headers } of [got, await api.call("HEAD", `/v2/p/manifests/${reference}`)]) {
          expect(headers.get("content-type")).toBe(OCI_MANIFEST);
          expect(headers.get("content-length")).toBe(String(bytes.byteLength));
          expect(headers.get("docker-content-digest")).toBe(digest);
        }
      }
    });

    test("by digest, also sha512, with tags in the query", async () => {
      const bytes = await api.manifestBytes();
      for (const digest of [digestOf(bytes), digestOf(bytes, "sha512")]) {
        const put = await api.call("PUT", `/v2/p/manifests/${digest}?tag=a&tag=B`, asManifest(bytes));
        expect([put.status, put.headers.get("oci-tag")]).toEqual([201, "a, B"]);
        expect(put.headers.get("docker-content-digest")).toBe(digest);
        const got = await api.call("GET", "/v2/p/manifests/B");
        expect(got.headers.get("docker-content-digest")).toBe(digest);
      }
      const wrong = await api.call("PUT", `/v2/p/manifests/${OTHER}`, asManifest(bytes));
      expect([wrong.status, await codeOf(wrong)]).toEqual([400, "DIGEST_INVALID"]);
      const many = Array.from({ length: 101 }, (_, i) => `tag=t${i}`).join("&");
      expect((await api.call("PUT", `/v2/p/manifests/${digestOf(bytes)}?${many}`, asManifest(bytes))).status).toBe(414);
    });

    test("V1 and v1 are two tags", async () => {
      const [one, two] = [await api.manifestBytes(), await api.manifestBytes({ annotations: { n: "2" } })];
      await api.call("PUT", "/v2/p/manifests/v1", asManifest(one));
      await api.call("PUT", "/v2/p/manifests/V1", asManifest(two));
      expect((await api.call("HEAD", "/v2/p/manifests/v1")).headers.get("docker-content-digest")).toBe(digestOf(one));
      expect((await api.call("HEAD", "/v2/p/manifests/V1")).headers.get("docker-content-digest")).toBe(digestOf(two));
    });

    test.each<[string, Record<string, unknown>, string]>([
      ["a missing layer", { layers: [{ mediaType: "x", digest: OTHER, size: 1_000 }] }, "MANIFEST_BLOB_UNKNOWN"],
      ["a missing config", { config: { mediaType: "x", digest: OTHER, size: 1_000 } }, "MANIFEST_BLOB_UNKNOWN"],
      ["a wrong size", { layers: [{ mediaType: "x", digest: DIGEST, size: 999 }] }, "MANIFEST_INVALID"],
      ["another mediaType", { mediaType: OCI_INDEX }, "MANIFEST_INVALID"],
      ["no schemaVersion", { schemaVersion: null }, "MANIFEST_INVALID"],
      ["no layers", { layers: null }, "MANIFEST_INVALID"],
    ])("with %s are refused", async (_, change, code) => {
      const put = await api.call("PUT", "/v2/p/manifests/v1", asManifest(await api.manifestBytes(change)));
      expect([put.status, await codeOf(put)]).toEqual([400, code]);
      expect((await api.call("GET", "/v2/p/manifests/v1")).status).toBe(404);
    });

    test("may name a subject that is not there, content with urls, and in an index images elsewhere", async () => {
      const subject = { mediaType: OCI_MANIFEST, digest: OTHER, size: 5 };
      const foreign = { mediaType: "x", digest: OTHER, size: 5, urls: ["https://example.com/x"] };
      for (const change of [{ subject }, { layers: [foreign] }]) {
        expect((await api.call("PUT", "/v2/p/manifests/v1", asManifest(await api.manifestBytes(change)))).status).toBe(
          201,
        );
      }
      const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [subject] });
      expect((await api.call("PUT", "/v2/p/manifests/v2", asManifest(index, OCI_INDEX))).status).toBe(201);
      expect((await api.call("GET", "/v2/p/manifests/v2")).headers.get("content-type")).toBe(OCI_INDEX);
    });

    test.each<[string, string | Uint8Array, number]>([
      ["nothing", "", 400],
      ["no JSON", "hello", 400],
      ["JSON that is no object", "[]", 400],
      ["more than 4 MiB", Buffer.alloc(4 * 1024 * 1024 + 1, " "), 413],
    ])("of %s are refused", async (_, body, status) => {
      const put = await api.call("PUT", "/v2/p/manifests/v1", asManifest(body));
      expect([put.status, await codeOf(put)]).toEqual([status, "MANIFEST_INVALID"]);
    });

    test("of exactly 4 MiB are taken", async () => {
      const bytes = await api.manifestBytes();
      const padded = Buffer.concat([bytes, Buffer.alloc(4 * 1024 * 1024 - bytes.byteLength, " ")]);
      expect((await api.call("PUT", "/v2/p/manifests/v1", asManifest(padded))).status).toBe(201);
      expect((await api.call("GET", `/v2/p/manifests/${digestOf(padded)}`)).status).toBe(200);
    });

    test("of an unknown type are refused", async () => {
      const put = await api.call("PUT", "/v2/p/manifests/v1", asManifest("{}", "application/json"));
      expect([put.status, await codeOf(put)]).toEqual([400, "MANIFEST_INVALID"]);
    });

    test("deleting a tag leaves the manifest; deleting the manifest takes its tags", async () => {
      const [one, two] = [await api.manifestBytes(), await api.manifestBytes({ annotations: { n: "2" } })];
      for (const tag of ["a", "b", "c"]) await api.call("PUT", `/v2/p/manifests/${tag}`, asManifest(one));
      await api.call("PUT", "/v2/p/manifests/other", asManifest(two));
      const tags = async () => ((await (await api.call("GET", "/v2/p/tags/list")).json()) as { tags: string[] }).tags;

      expect((await api.call("DELETE", "/v2/p/manifests/a")).status).toBe(202);
      expect((await api.call("DELETE", "/v2/p/manifests/a")).status).toBe(404);
      expect((await api.call("GET", "/v2/p/manifests/a")).status).toBe(404);
      expect((await api.call("GET", `/v2/p/manifests/${digestOf(one)}`)).status).toBe(200);
      expect(await tags()).toEqual(["b", "c", "other"]);

      expect((await api.call("DELETE", `/v2/p/manifests/${digestOf(one)}`)).status).toBe(202);
      for (const gone of ["b", "c", digestOf(one)])
        expect((await api.call("GET", `/v2/p/manifests/${gone}`)).status).toBe(404);
      expect(await tags()).toEqual(["other"]);
      expect((await api.call("DELETE", `/v2/p/manifests/${digestOf(one)}`)).status).toBe(404);

      await api.call("PUT", "/v2/p/manifests/new", asManifest(one));
      expect(await tags()).toEqual(["new", "other"]);
    });
  });

  describe("tags", () => {
    const all = ["A", "a", "b-1", "b.1", "b_1", "latest"];
    beforeEach(async () => {
      const bytes = await api.manifestBytes();
      for (const tag of [...all].reverse()) await api.call("PUT", `/v2/p/manifests/${tag}`, asManifest(bytes));
    });

    test.each<[string, string[], string | null]>([
      ["", all, null],
      ["?n=2", ["A", "a"], "?n=2&last=a"],
      ["?n=2&last=a", ["b-1", "b.1"], "?n=2&last=b.1"],
      ["?n=2&last=b.1", ["b_1", "latest"], null],
      ["?n=6", all, null],
      ["?n=100", all, null],
      ["?n=0", [], null],
      ["?last=b", all.slice(2), null],
      ["?last=zzz", [], null],
      ["?n=1&last=latest", [], null],
    ])("list%s", async (query, tags, next) => {
      const response = await api.call("GET", `/v2/p/tags/list${query}`);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ name: "p", tags });
      expect(response.headers.get("link")).toBe(next === null ? null : `</v2/p/tags/list${next}>; rel="next"`);
    });

    test.each(["-1", "x", "1.5", "1e3", ""])("n=%s is refused", async (n) => {
      expect((await api.call("GET", `/v2/p/tags/list?n=${n}`)).status).toBe(400);
    });

    test("a repository without tags has an empty list", async () => {
      await api.pushBlob(CONTENT, "bare");
      expect(await (await api.call("GET", "/v2/bare/tags/list")).json()).toEqual({ name: "bare", tags: [] });
    });
  });
});
