import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { digestOf } from "../src/digest.js";
import { type Api, CONTENT, codeOf, createApi, DIGEST, OTHER } from "../test/api.js";
import { createCleanup, STORAGES, startRegistry } from "../test/fixtures.js";

const cleanup = createCleanup();
let api: Api;
describe.each(STORAGES)("%s", (storage) => {
  beforeEach(async () => {
    api = createApi(await startRegistry(cleanup, { storage, maxUploadBytes: 100_000 }));
  });
  afterEach(() => cleanup.run());

  const SHA512 = digestOf(CONTENT, "sha512");

  describe("blobs", () => {
    test("are pushed by POST and PUT, and pulled", async () => {
      const location = await api.begin("a/b-c");
      expect(location).toMatch(/^\/v2\/a\/b-c\/blobs\/uploads\/[0-9a-f-]{36}$/);
      const put = await api.call("PUT", `${location}?digest=${encodeURIComponent(DIGEST)}`, { body: CONTENT });
      expect(put.status).toBe(201);
      expect(put.headers.get("docker-content-digest")).toBe(DIGEST);
      const blobLocation = put.headers.get("location") ?? "";
      expect(blobLocation).toBe(`/v2/a/b-c/blobs/${DIGEST}`);

      const got = await api.call("GET", blobLocation);
      expect(got.status).toBe(200);
      expect(digestOf(new Uint8Array(await got.arrayBuffer()))).toBe(DIGEST);
      for (const { headers } of [got, await api.call("HEAD", blobLocation)]) {
        expect(headers.get("content-length")).toBe("1000");
        expect(headers.get("content-type")).toBe("application/octet-stream");
        expect(headers.get("docker-content-digest")).toBe(DIGEST);
      }
      expect((await api.call("GET", location)).status).toBe(404);
    });

    test("are pushed by one POST", async () => {
      const response = await api.call("POST", `/v2/p/blobs/uploads/?digest=${DIGEST}`, { body: CONTENT });
      expect([response.status, response.headers.get("location")]).toEqual([201, `/v2/p/blobs/${DIGEST}`]);
      expect((await api.call("HEAD", `/v2/p/blobs/${DIGEST}`)).status).toBe(200);
    });

    test("may be empty, and may have a sha512 digest", async () => {
      const empty = await api.pushBlob(new Uint8Array(0));
      const got = await api.call("GET", `/v2/p/blobs/${empty}`);
      expect([got.status, got.headers.get("content-length"), await got.text()]).toEqual([200, "0", ""]);

      const start = await api.call("POST", "/v2/p/blobs/uploads/?digest-algorithm=sha512");
      const put = await api.call("PUT", `${start.headers.get("location")}?digest=${SHA512}`, { body: CONTENT });
      expect([put.status, put.headers.get("docker-content-digest")]).toEqual([201, SHA512]);
      expect((await api.call("GET", `/v2/p/blobs/${SHA512}`)).status).toBe(200);
      expect((await api.call("GET", `/v2/p/blobs/${DIGEST}`)).status).toBe(404);
    });

    test("with another digest than promised are refused, and the upload is gone", async () => {
      for (const wrong of [OTHER, SHA512.replace(/[0-9a-f]$/, (c) => (c === "0" ? "1" : "0"))]) {
        const location = await api.begin();
        const put = await api.call("PUT", `${location}?digest=${wrong}`, { body: CONTENT });
        expect([put.status, await codeOf(put)]).toEqual([400, "DIGEST_INVALID"]);
        expect((await api.call("GET", `/v2/p/blobs/${wrong}`)).status).toBe(404);
        expect((await api.call("GET", location)).status).toBe(404);
      }
      const post = await api.call("POST", `/v2/p/blobs/uploads/?digest=${OTHER}`, { body: CONTENT });
      expect([post.status, await codeOf(post)]).toEqual([400, "DIGEST_INVALID"]);
    });

    test("without a digest, or with one that we don't know, are refused, and the upload stays", async () => {
      const location = await api.begin();
      for (const query of ["", "?digest=", "?digest=md5:00", "?digest=sha256:00"]) {
        const put = await api.call("PUT", location + query, { body: CONTENT });
        expect([put.status, await codeOf(put)]).toEqual([400, "DIGEST_INVALID"]);
      }
      expect((await api.call("PUT", `${location}?digest=${DIGEST}`, { body: CONTENT })).status).toBe(201);
    });

    test.each([
      ["bytes=0-9", 206, 0, 10],
      ["bytes=990-", 206, 990, 1_000],
      ["bytes=-5", 206, 995, 1_000],
      ["bytes=5-1", 200, 0, 1_000],
      ["bytes=0-1,5-6", 200, 0, 1_000],
    ])("a Range of %s", async (range, status, start, end) => {
      await api.pushBlob(CONTENT);
      const response = await api.call("GET", `/v2/p/blobs/${DIGEST}`, { headers: { range } });
      expect(response.status).toBe(status);
      const contentRange = status === 206 ? `bytes ${start}-${end - 1}/1000` : null;
      expect(response.headers.get("content-range")).toBe(contentRange);
      expect(Buffer.from(await response.arrayBuffer()).equals(CONTENT.subarray(start, end))).toBe(true);
    });

    test("a Range outside is 416, of HEAD nothing, and If-Range is heeded", async () => {
      await api.pushBlob(CONTENT);
      const path = `/v2/p/blobs/${DIGEST}`;
      const outside = await api.call("GET", path, { headers: { range: "bytes=1000-" } });
      expect([outside.status, outside.headers.get("content-range")]).toEqual([416, "bytes */1000"]);
      expect((await api.call("HEAD", path, { headers: { range: "bytes=0-1" } })).status).toBe(200);
      for (const [condition, status] of [
        [`"${DIGEST}"`, 206],
        ['"other"', 200],
      ] as const) {
        expect((await api.call("GET", path, { headers: { range: "bytes=0-1", "if-range": condition } })).status).toBe(
          status,
        );
      }
    });

    test("belong to their repository: deleted in one, they stay in the other", async () => {
      await api.pushBlob(CONTENT, "p");
      expect((await api.call("HEAD", `/v2/q/blobs/${DIGEST}`)).status).toBe(404);
      const mount = await api.call("POST", `/v2/q/blobs/uploads/?mount=${DIGEST}&from=p`);
      expect([mount.status, mount.headers.get("location")]).toEqual([201, `/v2/q/blobs/${DIGEST}`]);
      expect((await api.call("POST", `/v2/q/blobs/uploads/?mount=${DIGEST}&from=p`)).status).toBe(201);
      expect((await api.call("DELETE", `/v2/p/blobs/${DIGEST}`)).status).toBe(202);
      expect((await api.call("DELETE", `/v2/p/blobs/${DIGEST}`)).status).toBe(404);
      expect((await api.call("GET", `/v2/p/blobs/${DIGEST}`)).status).toBe(404);
      const kept = await api.call("GET", `/v2/q/blobs/${DIGEST}`);
      expect(digestOf(new Uint8Array(await kept.arrayBuffer()))).toBe(DIGEST);
    });

    test.each([`mount=${OTHER}&from=p`, `mount=${DIGEST}`, `mount=${DIGEST}&from=Bad`, `mount=${DIGEST}&from=..`])(
      "a mount that cannot be (%s) begins an upload",
      async (query) => {
        await api.pushBlob(CONTENT, "p");
        const response = await api.call("POST", `/v2/q/blobs/uploads/?${query}`);
        expect(response.status).toBe(202);
        const put = await api.call("PUT", `${response.headers.get("location")}?digest=${DIGEST}`, { body: CONTENT });
        expect(put.status).toBe(201);
      },
    );
  });
});
