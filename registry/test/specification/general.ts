import { expect } from "vitest";
import { digestOf } from "../../src/digest.js";
import { asManifest, CONTENT, codeOf, OTHER } from "../api.js";
import { noise } from "../fixtures.js";
import { BLOB, bytesOf, MANIFEST, push, type Row } from "./row.js";

const ERROR_CODES = [
  "BLOB_UNKNOWN",
  "BLOB_UPLOAD_INVALID",
  "BLOB_UPLOAD_UNKNOWN",
  "DIGEST_INVALID",
  "MANIFEST_BLOB_UNKNOWN",
  "MANIFEST_INVALID",
  "MANIFEST_UNKNOWN",
  "NAME_INVALID",
  "NAME_UNKNOWN",
  "SIZE_INVALID",
  "UNAUTHORIZED",
  "DENIED",
  "UNSUPPORTED",
  "TOOMANYREQUESTS",
];

export const GENERAL_ROWS: readonly Row[] = [
  {
    section: "Registry proxying",
    level: "SHOULD",
    requirement: "OCI-Namespace confirms ns where that is heeded: it is not here, and changes nothing",
    async check(api) {
      const { bytes } = await push(api, "v1");
      const response = await api.call("GET", `${MANIFEST}/v1?ns=example.com`);
      expect([response.status, response.headers.get("oci-namespace")]).toEqual([200, null]);
      expect((await bytesOf(response)).equals(bytes)).toBe(true);
    },
  },
  {
    section: "API",
    level: "SHOULD",
    requirement: "what the specification leaves open is as in HTTP: 405 with Allow, ranges, no body after HEAD",
    async check(api) {
      const response = await api.call("PUT", BLOB, { body: CONTENT });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "DELETE, GET, HEAD"]);
      expect(await (await api.call("HEAD", BLOB)).text()).toBe("");
    },
  },
  {
    section: "Error codes",
    level: "MUST",
    requirement: "errors in JSON are a list of codes of the specification, with a message that people can read",
    options: { maxUploadBytes: 100 },
    async check(api) {
      const bytes = Buffer.from("{}");
      const failures = [
        api.call("GET", "/v2/p/manifests/v1"),
        api.call("GET", BLOB),
        api.call("GET", "/v2/P/tags/list"),
        api.call("GET", "/v2/p/tags/list?n=x"),
        api.call("GET", "/v2/p/referrers/x"),
        api.call("GET", "/elsewhere"),
        api.call("PUT", "/v2/p/manifests/v1", asManifest(bytes)),
        api.call("PUT", "/v2/p/manifests/v1", asManifest("no JSON")),
        api.call("PATCH", "/v2/p/blobs/uploads/nowhere", { body: bytes }),
        api.call("POST", `/v2/p/blobs/uploads/?digest=${digestOf(noise(200))}`, { body: noise(200) }),
        api.call("POST", `/v2/p/blobs/uploads/?digest=${OTHER}`, { body: bytes }),
        api.call("DELETE", "/v2/"),
      ];
      for (const failure of failures) {
        const response = await failure;
        expect(response.status).toBeGreaterThanOrEqual(400);
        expect(response.status).toBeLessThan(500);
        expect(response.headers.get("content-type")).toMatch(/^application\/json/);
        expect(ERROR_CODES).toContain(await codeOf(response));
      }
    },
  },
  {
    section: "Error codes",
    level: "MUST",
    requirement: "whoever must show who they are gets 401 with a challenge and UNAUTHORIZED",
    options: { authentication: { scheme: "basic", verify: async () => false } },
    async check(api) {
      for (const [method, path] of [
        ["GET", "/v2/"],
        ["GET", `${MANIFEST}/v1`],
        ["POST", "/v2/p/blobs/uploads/"],
      ] as const) {
        const response = await api.call(method, path);
        expect([response.status, response.headers.get("www-authenticate")]).toEqual([
          401,
          expect.stringMatching(/^Basic /),
        ]);
        expect(await codeOf(response)).toBe("UNAUTHORIZED");
      }
    },
  },
];
