import { expect } from "vitest";
import { digestOf } from "../../src/digest.js";
import { MAX_MANIFEST_BYTES } from "../../src/manifest.js";
import { OCI_CONFIG, OCI_MANIFEST } from "../../src/media-types.js";
import { asManifest, codeOf, OTHER } from "../api.js";
import { expectPullable, MANIFEST, push, type Row, statusOf, subjectOf, tagsOf } from "./row.js";

export const PUSH_MANIFEST_ROWS: readonly Row[] = [
  {
    section: "Push",
    level: "MUST",
    requirement: "a manifest whose subject is not there is taken",
    check: async (api) => void (await push(api, "v1", { subject: subjectOf(OTHER) })),
  },
  {
    section: "Push",
    level: "MUST",
    requirement: "a manifest that is refused because content of it is not there is MANIFEST_BLOB_UNKNOWN",
    async check(api) {
      const missing = { mediaType: "application/octet-stream", digest: OTHER, size: 1_000 };
      for (const change of [{ layers: [missing] }, { config: { ...missing, mediaType: OCI_CONFIG } }]) {
        const bytes = await api.manifestBytes(change);
        expect(await codeOf(await api.call("PUT", `${MANIFEST}/v1`, asManifest(bytes)))).toBe("MANIFEST_BLOB_UNKNOWN");
      }
    },
  },
  {
    section: "Pushing manifests",
    level: "SHOULD",
    requirement: "parameters of the Content-Type are ignored",
    async check(api) {
      const bytes = await api.manifestBytes();
      expect(await statusOf(api, "PUT", `${MANIFEST}/v1`, asManifest(bytes, `${OCI_MANIFEST}; charset=utf-8`))).toBe(
        201,
      );
      expect((await api.call("GET", `${MANIFEST}/v1`)).headers.get("content-type")).toBe(OCI_MANIFEST);
    },
  },
  {
    section: "Pushing manifests",
    level: "MUST",
    requirement: "a manifest may have no layers",
    check: async (api) => void (await push(api, "v1", { layers: [] })),
  },
  {
    section: "Pushing manifests",
    level: "MUST",
    requirement: "a manifest is kept to the byte: spaces, order and unknown fields",
    async check(api) {
      const text = (await api.manifestBytes()).toString().replace("{", '{ \n\t"zz": [1e3, "\\u00e4"],');
      expect(await statusOf(api, "PUT", `${MANIFEST}/v1`, asManifest(text))).toBe(201);
      expect(await (await api.call("GET", `${MANIFEST}/v1`)).text()).toBe(text);
    },
  },
  {
    section: "Pushing manifests",
    level: "MUST",
    requirement: "a push is 201 with a Location where the manifest can be pulled, and with its digest",
    async check(api) {
      for (const tag of ["v1", undefined]) {
        const { bytes, digest, headers } = await push(api, tag);
        expect(headers.get("docker-content-digest")).toBe(digest);
        await expectPullable(api, headers.get("location"), bytes);
      }
    },
  },
  {
    section: "Pushing manifests",
    level: "MUST",
    requirement: "pushed by a digest that is not the content's, it is refused",
    async check(api) {
      const bytes = await api.manifestBytes();
      expect(await statusOf(api, "PUT", `${MANIFEST}/${OTHER}`, asManifest(bytes))).toBe(400);
    },
  },
  {
    section: "Pushing manifests",
    level: "MUST",
    requirement: "a push by digest with tags sets them and names each in OCI-Tag",
    async check(api) {
      const bytes = await api.manifestBytes();
      const tags = ["1.2.3", "1.2", "1", "latest"];
      const query = tags.map((tag) => `tag=${tag}`).join("&");
      const response = await api.call("PUT", `${MANIFEST}/${digestOf(bytes)}?${query}`, asManifest(bytes));
      expect([response.status, response.headers.get("oci-tag")?.split(/, */)]).toEqual([201, tags]);
      expect((await tagsOf(api)).tags).toEqual([...tags].sort());
    },
  },
  {
    section: "Pushing manifests",
    level: "SHOULD",
    requirement: "at least ten tags go with one push; too many are 414",
    async check(api) {
      const bytes = await api.manifestBytes();
      const put = (count: number) => {
        const query = Array.from({ length: count }, (_, i) => `tag=t${i}`).join("&");
        return statusOf(api, "PUT", `${MANIFEST}/${digestOf(bytes)}?${query}`, asManifest(bytes));
      };
      expect(await put(10)).toBe(201);
      expect(await put(101)).toBe(414);
    },
  },
  {
    section: "Pushing manifests",
    level: "MUST",
    requirement: "a repository that is not there is 404",
    async check(api) {
      for (const path of ["manifests/v1", `manifests/${OTHER}`, `blobs/${OTHER}`, "tags/list"])
        expect(await statusOf(api, "GET", `/v2/nobody/${path}`), path).toBe(404);
    },
  },
  {
    section: "Pushing manifests",
    level: "SHOULD",
    requirement: "manifests of 4 MiB are taken, and larger ones are 413",
    async check(api) {
      const frame = (await api.manifestBytes({ annotations: { a: "" } })).byteLength;
      const sized = (size: number) => api.manifestBytes({ annotations: { a: "x".repeat(size - frame) } });
      expect(await statusOf(api, "PUT", `${MANIFEST}/v1`, asManifest(await sized(MAX_MANIFEST_BYTES)))).toBe(201);
      expect(await statusOf(api, "PUT", `${MANIFEST}/v2`, asManifest(await sized(MAX_MANIFEST_BYTES + 1)))).toBe(413);
    },
  },
  {
    section: "Pushing manifests with subject",
    level: "MUST",
    requirement: "OCI-Subject names the subject of what was pushed",
    async check(api) {
      expect((await push(api, "v1", { subject: subjectOf(OTHER) })).headers.get("oci-subject")).toBe(OTHER);
      expect((await push(api, "v2")).headers.get("oci-subject")).toBeNull();
    },
  },
];
