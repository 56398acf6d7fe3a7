import { expect } from "vitest";
import { digestOf } from "../../src/digest.js";
import { CONTENT, chunk, DIGEST, OTHER } from "../api.js";
import { BLOB, expectPullable, type Row, statusOf } from "./row.js";

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

export const PUSH_BLOB_ROWS: readonly Row[] = [
  {
    section: "Pushing blobs",
    level: "SHOULD",
    requirement: "a digest that is none, or of an algorithm that is not known, is 400",
    async check(api) {
      for (const digest of ["sha256:00", "nonsense", `md5:${"0".repeat(32)}`, `sha256:${"Z".repeat(64)}`]) {
        expect(await statusOf(api, "PUT", `${await api.begin()}?digest=${digest}`, { body: CONTENT }), digest).toBe(
          400,
        );
        expect(await statusOf(api, "POST", `/v2/p/blobs/uploads/?digest=${digest}`, { body: CONTENT }), digest).toBe(
          400,
        );
        const location = await api.begin();
        await api.call("PATCH", location, { body: CONTENT });
        expect(await statusOf(api, "PUT", `${location}?digest=${digest}`), digest).toBe(400);
      }
    },
  },
  {
    section: "POST then PUT",
    level: "MUST",
    requirement: "POST is 202 with a Location that has a UUID of its own",
    async check(api) {
      const locations = [];
      for (let i = 0; i < 3; i++) {
        const response = await api.call("POST", "/v2/p/blobs/uploads/");
        expect(response.status).toBe(202);
        locations.push(UUID.exec(response.headers.get("location") ?? "")?.[0]);
      }
      expect(locations).not.toContain(undefined);
      expect(new Set(locations).size).toBe(3);
    },
  },
  {
    section: "POST then PUT",
    level: "MUST",
    requirement: "PUT of the content is 201 with a Location where the blob can be pulled",
    async check(api) {
      const response = await api.call("PUT", `${await api.begin()}?digest=${DIGEST}`, { body: CONTENT });
      expect(response.status).toBe(201);
      await expectPullable(api, response.headers.get("location"), CONTENT);
    },
  },
  {
    section: "Single POST",
    level: "MUST",
    requirement: "a POST with digest and content is 201 with a Location where the blob can be pulled",
    async check(api) {
      const response = await api.call("POST", `/v2/p/blobs/uploads/?digest=${DIGEST}`, { body: CONTENT });
      expect(response.status).toBe(201);
      await expectPullable(api, response.headers.get("location"), CONTENT);
    },
  },
  {
    section: "Single POST",
    level: "MUST",
    requirement: "the digest is that of the content: otherwise nothing is stored",
    async check(api) {
      for (const method of ["POST", "PUT"]) {
        const path = method === "POST" ? "/v2/p/blobs/uploads/" : await api.begin();
        expect(await statusOf(api, method, `${path}?digest=${OTHER}`, { body: CONTENT })).toBe(400);
        for (const digest of [DIGEST, OTHER]) expect(await statusOf(api, "GET", `/v2/p/blobs/${digest}`)).toBe(404);
      }
    },
  },
  {
    section: "Pushing a blob in chunks",
    level: "MUST",
    requirement: "each chunk is 202 with the Location for the next and the Range, from 0, inclusive, of what is there",
    async check(api) {
      const begun = await api.call("POST", "/v2/p/blobs/uploads/", { headers: { "content-length": "0" } });
      expect(begun.status).toBe(202);
      let location = begun.headers.get("location") ?? "";
      for (const [from, to] of [
        [0, 399],
        [400, 400],
        [401, 899],
      ] as const) {
        const response = await api.call("PATCH", location, chunk(CONTENT.subarray(from, to + 1), `${from}-${to}`));
        expect([response.status, response.headers.get("range")]).toEqual([202, `0-${to}`]);
        location = response.headers.get("location") ?? "";
      }
      const last = await api.call("PUT", `${location}?digest=${DIGEST}`, chunk(CONTENT.subarray(900), "900-999"));
      expect(last.status).toBe(201);
      await expectPullable(api, last.headers.get("location"), CONTENT);
    },
  },
  {
    section: "Pushing a blob in chunks",
    level: "SHOULD",
    requirement: "the algorithm of the digest may be told at the beginning, by digest-algorithm",
    async check(api) {
      const response = await api.call("POST", "/v2/p/blobs/uploads/?digest-algorithm=sha512");
      const location = response.headers.get("location") ?? "";
      expect(await statusOf(api, "PATCH", location, { body: CONTENT })).toBe(202);
      const digest = digestOf(CONTENT, "sha512");
      expect(await statusOf(api, "PUT", `${location}?digest=${digest}`)).toBe(201);
      expect(await statusOf(api, "GET", `/v2/p/blobs/${digest}`)).toBe(200);
    },
  },
  {
    section: "Pushing a blob in chunks",
    level: "MUST",
    requirement: "a chunk out of order is 416, the first, one in the middle, and the last",
    async check(api) {
      const location = await api.begin();
      const patch = (from: number, to: number) =>
        statusOf(api, "PATCH", location, chunk(CONTENT.subarray(from, to), `${from}-${to - 1}`));
      expect(await patch(1, 100)).toBe(416);
      expect(await patch(0, 100)).toBe(202);
      expect(await patch(0, 100)).toBe(416);
      expect(await patch(200, 300)).toBe(416);
      const closing = `${location}?digest=${DIGEST}`;
      expect(await statusOf(api, "PUT", closing, chunk(CONTENT.subarray(200), "200-999"))).toBe(416);
      expect(await statusOf(api, "PUT", closing, chunk(CONTENT.subarray(100), "100-999"))).toBe(201);
    },
  },
  {
    section: "Pushing a blob in chunks",
    level: "MUST",
    requirement: "the closing PUT has the digest of the whole, and is 201 with a Location where the blob can be pulled",
    async check(api) {
      const wrong = await api.begin();
      await api.call("PATCH", wrong, { body: CONTENT.subarray(0, 500) });
      const last = CONTENT.subarray(500);
      expect(await statusOf(api, "PUT", `${wrong}?digest=${digestOf(last)}`, { body: last })).toBe(400);
      const location = await api.begin();
      await api.call("PATCH", location, { body: CONTENT });
      const closed = await api.call("PUT", `${location}?digest=${DIGEST}`);
      expect(closed.status).toBe(201);
      await expectPullable(api, closed.headers.get("location"), CONTENT);
      expect(await statusOf(api, "GET", location)).toBe(404);
    },
  },
  {
    section: "Pushing a blob in chunks",
    level: "MUST",
    requirement: "GET of an upload is 204 with its Location and the Range that has arrived",
    async check(api) {
      const location = await api.begin();
      await api.call("PATCH", location, { body: CONTENT.subarray(0, 123) });
      const { status, headers } = await api.call("GET", location);
      expect([status, headers.get("location"), headers.get("range")]).toEqual([204, location, "0-122"]);
    },
  },
  {
    section: "Cancel a blob upload",
    level: "SHOULD",
    requirement: "DELETE of an upload is 204, and it is gone",
    async check(api) {
      const location = await api.begin();
      expect(await statusOf(api, "DELETE", location)).toBe(204);
      expect(await statusOf(api, "GET", location)).toBe(404);
    },
  },
  {
    section: "Cancel a blob upload",
    level: "SHOULD",
    requirement: "an upload that nobody goes on with is forgotten",
    options: { uploadExpiryMs: 200 },
    async check(api) {
      const location = await api.begin();
      await expect.poll(() => statusOf(api, "GET", location), { timeout: 60_000 }).toBe(404);
    },
  },
  {
    section: "Mounting a blob from another repository",
    level: "MUST",
    requirement: "a mount is 201 with a Location where the blob can be pulled",
    async check(api) {
      await api.pushBlob(CONTENT, "q/r");
      const response = await api.call("POST", `/v2/p/blobs/uploads/?mount=${DIGEST}&from=q/r`);
      expect(response.status).toBe(201);
      expect(response.headers.get("location")).toContain("/v2/p/");
      await expectPullable(api, response.headers.get("location"), CONTENT);
    },
  },
  {
    section: "Mounting a blob from another repository",
    level: "SHOULD",
    requirement: "what cannot be mounted is 202 and the beginning of an upload",
    async check(api) {
      for (const query of [`mount=${DIGEST}&from=q`, `mount=${DIGEST}`]) {
        const response = await api.call("POST", `/v2/p/blobs/uploads/?${query}`);
        expect(response.status).toBe(202);
        const location = `${response.headers.get("location")}?digest=${DIGEST}`;
        expect(await statusOf(api, "PUT", location, { body: CONTENT })).toBe(201);
        await api.call("DELETE", BLOB);
      }
    },
  },
];
