import { readdir, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { digestOf } from "../src/digest.js";
import { type Api, asManifest, CONTENT, createApi, DIGEST } from "../test/api.js";
import { createCleanup, startRegistry, tempFolder } from "../test/fixtures.js";
import { createRegistryServer } from "./index.js";

const cleanup = createCleanup();
let api: Api;
beforeEach(async () => {
  api = createApi(await startRegistry(cleanup, { maxUploadBytes: 100_000 }));
});
afterEach(() => cleanup.run());

describe("the API", () => {
  test.each(["/v2/", "/v2"])("GET %s says that it is one", async (path) => {
    const response = await api.call("GET", path);
    expect(response.status).toBe(200);
    expect(response.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
  });

  test.each<[string, string, number, string]>([
    ["GET", "/", 404, "UNSUPPORTED"],
    ["GET", "/v2/p", 404, "UNSUPPORTED"],
    ["GET", "/v2/p/blobs/", 404, "UNSUPPORTED"],
    ["GET", "/v2/%zz/tags/list", 404, "NAME_INVALID"],
    ["GET", "/v2/P/tags/list", 404, "NAME_INVALID"],
    ["GET", "/v2/p//q/tags/list", 404, "NAME_INVALID"],
    ["GET", "/v2/..%2f..%2fetc/tags/list", 404, "NAME_INVALID"],
    ["POST", "/v2/Bad/blobs/uploads/", 404, "NAME_INVALID"],
    ["GET", "/v2/p/tags/list", 404, "NAME_UNKNOWN"],
    ["GET", "/v2/p/manifests/v1", 404, "NAME_UNKNOWN"],
    ["GET", "/v2/p/manifests/.INVALID", 404, "NAME_UNKNOWN"],
    ["GET", "/v2/p/manifests/..%2f..", 404, "UNSUPPORTED"],
    ["GET", `/v2/p/manifests/${DIGEST}`, 404, "NAME_UNKNOWN"],
    ["DELETE", "/v2/p/manifests/v1", 404, "NAME_UNKNOWN"],
    ["GET", `/v2/p/blobs/${DIGEST}`, 404, "BLOB_UNKNOWN"],
    ["DELETE", `/v2/p/blobs/${DIGEST}`, 404, "BLOB_UNKNOWN"],
    ["GET", "/v2/p/blobs/sha256:short", 404, "DIGEST_INVALID"],
    ["GET", "/v2/p/blobs/..", 404, "DIGEST_INVALID"],
    ["GET", "/v2/p/blobs/uploads/no-such-upload", 404, "BLOB_UPLOAD_UNKNOWN"],
    ["PATCH", "/v2/p/blobs/uploads/no-such-upload", 404, "BLOB_UPLOAD_UNKNOWN"],
    ["PUT", `/v2/p/blobs/uploads/no-such-upload?digest=${DIGEST}`, 404, "BLOB_UPLOAD_UNKNOWN"],
    ["DELETE", "/v2/p/blobs/uploads/..%2f..%2fx", 404, "UNSUPPORTED"],
    ["PUT", `/v2/p/blobs/${DIGEST}`, 405, "UNSUPPORTED"],
    ["POST", "/v2/p/manifests/v1", 405, "UNSUPPORTED"],
    ["DELETE", "/v2/", 405, "UNSUPPORTED"],
    ["POST", "/v2/p/blobs/uploads/?digest=sha256:bad", 400, "DIGEST_INVALID"],
    ["POST", "/v2/p/blobs/uploads/?digest-algorithm=md5", 400, "DIGEST_INVALID"],
    ["POST", "/v2/p/blobs/uploads/?mount=bad&from=q", 400, "DIGEST_INVALID"],
    ["PUT", "/v2/p/manifests/.bad", 400, "MANIFEST_INVALID"],
    ["PUT", "/v2/p/manifests/sha256:bad", 400, "DIGEST_INVALID"],
  ])("%s %s is %d %s", async (method, path, status, code) => {
    // fetch would clean up the paths.
    const { port } = new URL(api.base);
    const response = await new Promise<{ status: number; allow: unknown; body: string }>((resolve, reject) => {
      const request = httpRequest({ host: "127.0.0.1", port, method, path }, async (answer) => {
        let body = "";
        for await (const piece of answer) body += piece;
        resolve({ status: answer.statusCode ?? 0, allow: answer.headers.allow, body });
      });
      request.on("error", reject).end();
    });
    expect(response.status).toBe(status);
    expect(JSON.parse(response.body)).toMatchObject({ errors: [{ code }] });
    expect(response.allow !== undefined).toBe(status === 405);
  });

  test("HEAD of what is not there has no body", async () => {
    for (const path of ["/v2/p/manifests/v1", `/v2/p/blobs/${DIGEST}`]) {
      const response = await api.call("HEAD", path);
      expect([response.status, await response.text()]).toEqual([404, ""]);
    }
  });
});

describe("start and stop", () => {
  test("what was pushed is there after a restart, an unfinished upload too", async () => {
    const dir = await tempFolder(cleanup);
    const first = await createRegistryServer({ dir });
    api = createApi(first.address);
    const bytes = await api.manifestBytes();
    await api.call("PUT", "/v2/p/manifests/v1", asManifest(bytes));
    const location = await api.begin();
    await api.call("PATCH", location, { body: CONTENT.subarray(0, 600) });
    await first.close();

    const second = await createRegistryServer({ dir });
    cleanup.add(() => second.close(0));
    api = createApi(second.address);
    expect(digestOf(new Uint8Array(await (await api.call("GET", "/v2/p/manifests/v1")).arrayBuffer()))).toBe(
      digestOf(bytes),
    );
    expect((await api.call("GET", location)).headers.get("range")).toBe("0-599");
    expect((await api.call("PUT", `${location}?digest=${DIGEST}`, { body: CONTENT.subarray(600) })).status).toBe(201);
  });

  test("a port in use is named, with who wants it", async () => {
    const port = Number(new URL(api.base).port);
    const failure = createRegistryServer({ dir: await tempFolder(cleanup), port });
    await expect(failure).rejects.toMatchObject({
      name: "RegistryServerError",
      code: "address-in-use",
      message: expect.stringContaining(`port ${port} of 127.0.0.1, wanted by the registry, is in use`),
    });
  });

  test("an address of another machine and a folder that is a file are errors too", async () => {
    const dir = await tempFolder(cleanup);
    await expect(createRegistryServer({ dir, host: "192.0.2.1" })).rejects.toMatchObject({ code: "address-unusable" });
    await writeFile(join(dir, "file"), "");
    await expect(createRegistryServer({ dir: join(dir, "file") })).rejects.toMatchObject({
      code: "folder-unusable",
      message: expect.stringContaining(join(dir, "file")),
    });
  });

  test("close ends connections that never end themselves, and the port is free again", async () => {
    const dir = await tempFolder(cleanup);
    const server = await createRegistryServer({ dir });
    const pending = httpRequest(`http://${server.address}/v2/p/blobs/uploads/?digest=${DIGEST}`, {
      method: "POST",
      headers: { "content-length": 1_000 },
    });
    const ended = new Promise((resolve) => pending.on("error", resolve));
    pending.write("x");
    while ((await readdir(join(dir, "uploads"))).length === 0) await setTimeout(5);
    await server.close(50);
    await ended;
    const again = await createRegistryServer({ dir, port: server.port });
    await again.close();
  });

  test("an open address is warned of, and failures of the disk are logged, not sent", async () => {
    const lines: string[] = [];
    const log = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
    const logger = { info: log("info"), warn: log("warn"), error: log("error") };
    const dir = await tempFolder(cleanup);
    const server = await createRegistryServer({ dir, host: "0.0.0.0", logger });
    cleanup.add(() => server.close(0));
    expect(lines).toEqual([
      expect.stringMatching(/^warn: ANYBODY .* no authentication/),
      expect.stringMatching(/^warn: .* WITHOUT TLS/),
    ]);

    api = createApi(`127.0.0.1:${server.port}`);
    await writeFile(join(dir, "repositories", "p"), "a file where a folder should be");
    const location = await api.begin();
    const put = await api.call("PUT", `${location}?digest=${DIGEST}`, { body: CONTENT });
    expect(put.status).toBe(500);
    expect(await put.text()).not.toContain(dir);
    expect(lines.at(-1)).toMatch(/^error: PUT .*(EEXIST|ENOTDIR)/s);
  });
});
