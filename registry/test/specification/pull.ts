import { expect } from "vitest";
import { digestOf } from "../../src/digest.js";
import { OCI_INDEX, OCI_MANIFEST } from "../../src/media-types.js";
import { asManifest, CONTENT, DIGEST, OTHER } from "../api.js";
import { BLOB, bytesOf, INDEX, MANIFEST, push, type Row, statusOf } from "./row.js";

export const PULL_ROWS: readonly Row[] = [
  {
    section: "Determining support",
    level: "MUST",
    requirement: "the base of the API answers 200",
    check: async (api) => expect(await statusOf(api, "GET", "/v2/")).toBe(200),
  },
  {
    section: "Pulling manifests",
    level: "MUST",
    requirement: "names of repositories have parts of lower-case letters and digits, joined by . _ __ - and /",
    async check(api) {
      for (const name of ["a", "a1.b_c__d---e/f/g0"])
        expect(await statusOf(api, "POST", `/v2/${name}/blobs/uploads/`), name).toBe(202);
      for (const name of ["A", "a..b", "a___b", "-a", "a-", "a//b", "a.", "ä"])
        expect(await statusOf(api, "POST", `/v2/${encodeURI(name)}/blobs/uploads/`), name).toBe(404);
    },
  },
  {
    section: "Pulling manifests",
    level: "MUST",
    requirement:
      "a tag has 1 to 128 letters, digits, _ . -, and does not begin with . or -; nothing else is a reference",
    async check(api) {
      const bytes = await api.manifestBytes();
      const put = (tag: string) => statusOf(api, "PUT", `${MANIFEST}/${tag}`, asManifest(bytes));
      for (const tag of ["_", "0", "A-b_c.d", "x".repeat(128)]) expect(await put(tag), tag).toBe(201);
      for (const tag of ["x".repeat(129), ".x", "-x", "x+y", "md5:00", "sha256:00"])
        expect(await put(tag), tag).toBe(400);
      for (const tag of ["x".repeat(129), ".x", "sha256:00"])
        expect(await statusOf(api, "GET", `${MANIFEST}/${tag}`), tag).toBe(404);
    },
  },
  {
    section: "Pulling manifests",
    level: "SHOULD",
    requirement: "the Content-Type of a manifest is the one it was pushed with, and has no parameters",
    async check(api) {
      for (const [tag, type, change] of [
        ["image", OCI_MANIFEST, {}],
        ["index", OCI_INDEX, INDEX],
        ["untyped", OCI_MANIFEST, { mediaType: undefined }],
      ] as const) {
        await push(api, tag, change, type);
        expect((await api.call("GET", `${MANIFEST}/${tag}`)).headers.get("content-type")).toBe(type);
        expect((await api.call("HEAD", `${MANIFEST}/${tag}`)).headers.get("content-type")).toBe(type);
      }
    },
  },
  {
    section: "Pulling manifests",
    level: "MUST",
    requirement: "GET of a manifest that is there is 200 with the manifest and its digest in Docker-Content-Digest",
    async check(api) {
      const { bytes, digest } = await push(api, "v1");
      for (const reference of ["v1", digest]) {
        const response = await api.call("GET", `${MANIFEST}/${reference}`);
        expect([response.status, response.headers.get("docker-content-digest")]).toEqual([200, digest]);
        expect((await bytesOf(response)).equals(bytes)).toBe(true);
      }
    },
  },
  {
    section: "Pulling manifests",
    level: "MUST",
    requirement: "a manifest that is not there is 404",
    async check(api) {
      await push(api, "v1");
      for (const reference of ["v2", OTHER]) {
        expect(await statusOf(api, "GET", `${MANIFEST}/${reference}`)).toBe(404);
        expect(await statusOf(api, "GET", `/v2/q/manifests/${reference}`)).toBe(404);
      }
    },
  },
  {
    section: "Pulling blobs",
    level: "MUST",
    requirement: "GET of a blob that is there is 200 with the blob and its digest in Docker-Content-Digest",
    async check(api) {
      await api.pushBlob(CONTENT);
      const response = await api.call("GET", BLOB);
      expect([response.status, response.headers.get("docker-content-digest")]).toEqual([200, DIGEST]);
      expect(digestOf(await bytesOf(response))).toBe(DIGEST);
    },
  },
  {
    section: "Pulling blobs",
    level: "MUST",
    requirement: "a blob that is not in the repository is 404, also where another repository has it",
    async check(api) {
      await api.pushBlob(CONTENT, "q");
      expect(await statusOf(api, "GET", BLOB)).toBe(404);
    },
  },
  {
    section: "Pulling blobs",
    level: "SHOULD",
    requirement: "a Range request is answered by 206 with the part, or by 416 where there is no such part",
    async check(api) {
      await api.pushBlob(CONTENT);
      for (const [range, start, end] of [
        ["bytes=0-9", 0, 9],
        ["bytes=990-", 990, 999],
        ["bytes=-5", 995, 999],
        ["bytes=500-5000", 500, 999],
      ] as const) {
        const response = await api.call("GET", BLOB, { headers: { range } });
        expect([response.status, response.headers.get("content-range")]).toEqual([206, `bytes ${start}-${end}/1000`]);
        expect((await bytesOf(response)).equals(CONTENT.subarray(start, end + 1))).toBe(true);
      }
      expect(await statusOf(api, "GET", BLOB, { headers: { range: "bytes=1000-" } })).toBe(416);
    },
  },
  {
    section: "Checking if content exists in the registry",
    level: "MUST",
    requirement: "HEAD of what is there is 200 with digest and size, and without a body",
    async check(api) {
      const { bytes, digest } = await push(api, "v1");
      for (const [path, expected, size] of [
        [`${MANIFEST}/v1`, digest, bytes.byteLength],
        [`${MANIFEST}/${digest}`, digest, bytes.byteLength],
        [BLOB, DIGEST, CONTENT.byteLength],
      ] as const) {
        const response = await api.call("HEAD", path);
        const { headers } = response;
        expect([response.status, headers.get("docker-content-digest"), headers.get("content-length")]).toEqual([
          200,
          expected,
          String(size),
        ]);
        expect(await response.text()).toBe("");
      }
    },
  },
  {
    section: "Checking if content exists in the registry",
    level: "MUST",
    requirement: "HEAD of what is not there is 404",
    async check(api) {
      for (const path of [`${MANIFEST}/v1`, `${MANIFEST}/${OTHER}`, BLOB])
        expect(await statusOf(api, "HEAD", path)).toBe(404);
    },
  },
];
