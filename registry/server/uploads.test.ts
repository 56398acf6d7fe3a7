import { request as httpRequest } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Api, CONTENT, chunk, codeOf, createApi, DIGEST } from "../test/api.js";
import { createCleanup, noise, STORAGES, startRegistry } from "../test/fixtures.js";

const cleanup = createCleanup();
let api: Api;
describe.each(STORAGES)("%s", (storage) => {
  beforeEach(async () => {
    api = createApi(await startRegistry(cleanup, { storage, maxUploadBytes: 100_000 }));
  });
  afterEach(() => cleanup.run());

  describe("chunks", () => {
    test("in order, with the status in between, the last one in the PUT", async () => {
      const location = await api.begin();
      const empty = await api.call("GET", location);
      expect([empty.status, empty.headers.get("range"), empty.headers.get("location")]).toEqual([204, "0-0", location]);

      const first = await api.call("PATCH", location, chunk(CONTENT.subarray(0, 300), "0-299"));
      expect([first.status, first.headers.get("range"), first.headers.get("location")]).toEqual([
        202,
        "0-299",
        location,
      ]);
      const second = await api.call("PATCH", location, chunk(CONTENT.subarray(300, 700), "300-699"));
      expect([second.status, second.headers.get("range")]).toEqual([202, "0-699"]);
      const status = await api.call("GET", location);
      expect([status.status, status.headers.get("range")]).toEqual([204, "0-699"]);

      const last = await api.call("PUT", `${location}?digest=${DIGEST}`, chunk(CONTENT.subarray(700), "700-999"));
      expect(last.status).toBe(201);
      expect((await api.call("GET", `/v2/p/blobs/${DIGEST}`)).headers.get("content-length")).toBe("1000");
    });

    test("without Content-Range are added, and the PUT may be empty", async () => {
      const location = await api.begin();
      for (const piece of [CONTENT.subarray(0, 1), CONTENT.subarray(1)]) {
        expect((await api.call("PATCH", location, { body: piece })).status).toBe(202);
      }
      expect((await api.call("PUT", `${location}?digest=${DIGEST}`)).status).toBe(201);
    });

    test.each(["PATCH", "PUT"])("out of order are 416 in a %s, which says where to go on", async (method) => {
      const location = await api.begin();
      await api.call("PATCH", location, chunk(CONTENT.subarray(0, 100), "0-99"));
      const target = method === "PUT" ? `${location}?digest=${DIGEST}` : location;
      for (const range of ["0-899", "99-998", "101-1000", "200-1099"]) {
        const response = await api.call(method, target, chunk(CONTENT.subarray(100), range));
        expect([response.status, await codeOf(response)]).toEqual([416, "BLOB_UPLOAD_INVALID"]);
        expect([response.headers.get("range"), response.headers.get("location")]).toEqual(["0-99", location]);
      }
      expect((await api.call(method, target, chunk(CONTENT.subarray(100), "100-999"))).status).toBe(
        method === "PUT" ? 201 : 202,
      );
    });

    test("whose length is not that of their range are refused, and nothing of them stays", async () => {
      const location = await api.begin();
      for (const range of ["0-98", "0-100"]) {
        const response = await api.call("PATCH", location, chunk(CONTENT.subarray(0, 100), range));
        expect([response.status, await codeOf(response)]).toEqual([400, "SIZE_INVALID"]);
      }
      const streamed = new ReadableStream({
        start(controller) {
          controller.enqueue(CONTENT.subarray(0, 100));
          controller.close();
        },
      });
      const init = { method: "PATCH", body: streamed, duplex: "half", headers: { "content-range": "0-98" } };
      expect((await fetch(new URL(location, api.base), init as RequestInit)).status).toBe(400);
      const response = await api.call("PATCH", location, chunk(CONTENT, "bytes 0-999/1000"));
      expect([response.status, await codeOf(response)]).toEqual([400, "BLOB_UPLOAD_INVALID"]);
      expect((await api.call("GET", location)).headers.get("range")).toBe("0-0");
      expect((await api.call("PUT", `${location}?digest=${DIGEST}`, { body: CONTENT })).status).toBe(201);
    });

    test("of a cancelled upload are gone", async () => {
      const location = await api.begin();
      await api.call("PATCH", location, { body: CONTENT });
      expect((await api.call("DELETE", location)).status).toBe(204);
      for (const method of ["GET", "DELETE", "PATCH"]) expect((await api.call(method, location)).status).toBe(404);
    });

    test("belong to the repository that the upload began in", async () => {
      const location = await api.begin("p");
      expect((await api.call("PATCH", location.replace("/p/", "/q/"), { body: CONTENT })).status).toBe(404);
    });

    test("above the limit end the upload, whether announced or not", async () => {
      const large = noise(60_000);
      const announced = await api.begin();
      expect((await api.call("PATCH", announced, { body: large })).status).toBe(202);
      const second = await api.call("PATCH", announced, { body: large });
      expect([second.status, await codeOf(second)]).toEqual([413, "BLOB_UPLOAD_INVALID"]);
      expect((await api.call("GET", announced)).status).toBe(404);

      const streamed = new ReadableStream({
        pull(controller) {
          controller.enqueue(large);
          controller.enqueue(large);
          controller.close();
        },
      });
      const init = { method: "PATCH", body: streamed, duplex: "half" };
      const response = await fetch(new URL(await api.begin(), api.base), init as RequestInit);
      expect(response.status).toBe(413);
    });

    test("a PUT that breaks off can be sent again", async () => {
      const location = await api.begin();
      await api.call("PATCH", location, chunk(CONTENT.subarray(0, 100), "0-99"));
      const url = new URL(`${location}?digest=${DIGEST}`, api.base);
      await new Promise<void>((resolve) => {
        const broken = httpRequest(url, { method: "PUT", headers: { "content-length": 900 } });
        broken.on("error", () => resolve());
        broken.write(CONTENT.subarray(100, 500), () => setTimeout(() => broken.destroy(), 20));
        broken.on("close", () => resolve());
      });
      expect((await api.call("PUT", url.href, { body: CONTENT.subarray(100) })).status).toBe(201);
    });

    test("a chunk that breaks off can be continued where it ended", async () => {
      const location = await api.begin();
      await new Promise<void>((resolve) => {
        const broken = httpRequest(new URL(location, api.base), {
          method: "PATCH",
          headers: { "content-length": 900 },
        });
        broken.on("error", () => resolve());
        broken.on("close", () => resolve());
        broken.write(CONTENT.subarray(0, 500), () => setTimeout(() => broken.destroy(), 20));
      });
      // The server may still be reading what had arrived: a client asks, tries, and goes where it is told.
      let rest = await api.call("PATCH", location, chunk(CONTENT, "0-999"));
      while (rest.status === 416) {
        const next = Number(rest.headers.get("range")?.split("-")[1]) + 1;
        rest = await api.call("PATCH", location, chunk(CONTENT.subarray(next), `${next}-999`));
      }
      expect(rest.status).toBe(202);
      expect((await api.call("PUT", `${location}?digest=${DIGEST}`)).status).toBe(201);
    });
  });
});
