import { hash } from "bcryptjs";
import { afterEach, describe, expect, test } from "vitest";
import type { Credentials } from "../src/credentials.js";
import { digestOf } from "../src/digest.js";
import { packPlugin } from "../src/pack-plugin.js";
import { pullPlugin } from "../src/pull-plugin.js";
import { pushPlugin } from "../src/push-plugin.js";
import { parseReference } from "../src/reference.js";
import { createRegistryClient, type RegistryClient } from "../src/remote.js";
import { asManifest, codeOf, createApi } from "../test/api.js";
import { createCleanup, startRegistry, wasmModule } from "../test/fixtures.js";
import { type Authentication, HtpasswdError, parseHtpasswd } from "./index.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const SCHEMES = ["basic", "token"] as const;
const LIMITS = { maxWasmBytes: 1_000_000 };
const verify: Authentication["verify"] = async (user, password) => user === "ada" && password === "correct: horse";
const ADA: Credentials & { readonly kind: "basic" } = { kind: "basic", username: "ada", password: "correct: horse" };

function client(address: string, credentials?: Credentials): RegistryClient {
  return createRegistryClient({ plainHttp: [address], credentials: async () => credentials });
}

function header({ username, password }: Credentials & { kind: "basic" }): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}` };
}

describe.each(SCHEMES)("%s", (scheme) => {
  test("a user pushes and pulls; others and a wrong password are refused", async () => {
    const address = await startRegistry(cleanup, { authentication: { scheme, verify } });
    const reference = parseReference(`oci://${address}/team/p:v1`);
    const artifact = await packPlugin({ wasm: wasmModule(), pluginYaml: "name: p\n" });
    await expect(pushPlugin(client(address), reference, artifact)).rejects.toMatchObject({ code: "unauthorized" });
    const wrong = client(address, { ...ADA, password: "guess" } as Credentials);
    await expect(pushPlugin(wrong, reference, artifact)).rejects.toMatchObject({ code: "unauthorized" });
    const { digest } = await pushPlugin(client(address, ADA), reference, artifact);
    await expect(pullPlugin(client(address), reference, LIMITS)).rejects.toMatchObject({ code: "unauthorized" });
    expect(await pullPlugin(client(address, ADA), reference, LIMITS)).toMatchObject({ digest });
    for (const path of ["/v2/", "/v2/team/p/manifests/v1"]) {
      const response = await createApi(address).call("GET", path);
      expect([response.status, await codeOf(response)]).toEqual([401, "UNAUTHORIZED"]);
      expect(response.headers.get("www-authenticate")).toMatch(
        scheme === "basic" ? /^Basic realm=/ : /^Bearer realm="http:/,
      );
    }
  });

  test("with anonymousPull anybody reads and nobody else writes or deletes", async () => {
    const address = await startRegistry(cleanup, { authentication: { scheme, verify, anonymousPull: true } });
    const reference = parseReference(`oci://${address}/team/p:v1`);
    const artifact = await packPlugin({ wasm: wasmModule(), pluginYaml: "name: p\n" });
    const { digest } = await pushPlugin(client(address, ADA), reference, artifact);
    expect(await pullPlugin(client(address), reference, LIMITS)).toMatchObject({ digest });
    await expect(
      pushPlugin(client(address), parseReference(`oci://${address}/team/q:v1`), artifact),
    ).rejects.toMatchObject({
      code: expect.stringMatching(/^(unauthorized|denied)$/),
    });
    expect((await createApi(address).call("DELETE", `/v2/team/p/manifests/${digest}`)).status).toBe(401);
  });
});

describe("tokens", () => {
  async function tokenFor(address: string, scope: string): Promise<string> {
    const query = new URLSearchParams({ service: "weft-registry", scope });
    const response = await createApi(address).call("GET", `/token?${query}`, { headers: header(ADA) });
    expect(response.status).toBe(200);
    return ((await response.json()) as { token: string }).token;
  }

  test("cover what was asked for, and nothing else", async () => {
    const address = await startRegistry(cleanup, { authentication: { scheme: "token", verify } });
    const api = createApi(address);
    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    const begin = (name: string, token: string) => api.call("POST", `/v2/${name}/blobs/uploads/`, bearer(token));
    const push = await tokenFor(address, "repository:a/b:pull,push");
    expect((await begin("a/b", push)).status).toBe(202);
    expect((await begin("a/c", push)).status).toBe(401);
    expect((await api.call("DELETE", `/v2/a/b/manifests/${digestOf(Buffer.from("x"))}`, bearer(push))).status).toBe(
      401,
    );
    const [body = "", signature = ""] = push.split(".");
    const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as { exp: number };
    const later = Buffer.from(JSON.stringify({ ...claims, exp: claims.exp + 9_999 })).toString("base64url");
    for (const forged of [`${later}.${signature}`, body, "", "a.b"])
      expect((await begin("a/b", forged)).status).toBe(401);
    const refused = await api.call("GET", "/token?scope=repository:a/b:pull");
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, 'Basic realm="weft-registry"']);
  });

  test("a blob is not mounted out of a repository that may not be read", async () => {
    const address = await startRegistry(cleanup, { authentication: { scheme: "token", verify } });
    const api = createApi(address);
    const content = Buffer.from("secret");
    const digest = digestOf(content);
    const secret = { authorization: `Bearer ${await tokenFor(address, "repository:secret:pull,push")}` };
    const path = `/v2/secret/blobs/uploads/?digest=${digest}`;
    expect((await api.call("POST", path, { body: content, headers: secret })).status).toBe(201);
    const mount = async (scope: string): Promise<number> => {
      const headers = { authorization: `Bearer ${await tokenFor(address, scope)}` };
      return (await api.call("POST", `/v2/mine/blobs/uploads/?mount=${digest}&from=secret`, { headers })).status;
    };
    expect(await mount("repository:mine:pull,push")).toBe(202);
    expect(await mount("repository:mine:pull,push repository:secret:pull")).toBe(201);
  });
});

test("the memory has a limit, which refuses and breaks nothing", async () => {
  const api = createApi(await startRegistry(cleanup, { storage: "in memory", maxMemoryBytes: 3_000 }));
  const small = await api.manifestBytes();
  expect((await api.call("PUT", "/v2/p/manifests/v1", asManifest(small))).status).toBe(201);
  const location = await api.begin();
  const digest = digestOf(Buffer.alloc(2_000));
  const put = await api.call("PUT", `${location}?digest=${digest}`, { body: Buffer.alloc(2_000) });
  expect([put.status, await codeOf(put)]).toEqual([413, "BLOB_UPLOAD_INVALID"]);
  const large = await api.manifestBytes({ annotations: { a: "x".repeat(2_000) } });
  expect((await api.call("PUT", "/v2/p/manifests/v2", asManifest(large))).status).toBe(413);
  expect((await api.call("GET", "/v2/p/manifests/v1")).status).toBe(200);
});

describe("htpasswd", () => {
  test("knows users by bcrypt", async () => {
    const check = parseHtpasswd(`# users\n\nada:${await hash("secret", 4)}\r\n`);
    expect(await check("ada", "secret")).toBe(true);
    expect(await check("ada", "Secret")).toBe(false);
    expect(await check("eve", "secret")).toBe(false);
  });

  test.each([
    ["ada", "htpasswd, line 1: expected user:hash"],
    ["\n:x", "htpasswd, line 2: expected user:hash"],
    ["ada:{SHA}x", "htpasswd, line 1: the hash is not of bcrypt"],
  ])("%j is refused", (text, message) => {
    expect(() => parseHtpasswd(text)).toThrow(HtpasswdError);
    expect(() => parseHtpasswd(text)).toThrow(message);
  });
});
