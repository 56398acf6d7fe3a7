import { afterEach, describe, expect, test } from "vitest";
import { createCleanup, noise, type RecordedRequest, serve, type TestServer } from "../test/fixtures.js";
import type { Credentials } from "./credentials.js";
import { digestOf } from "./digest.js";
import { parseReference } from "./reference.js";
import { createRegistryClient, type RegistryClient } from "./remote.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const bytes = noise(100);
const blob = { digest: digestOf(bytes), size: bytes.byteLength };
const ME: Credentials = { kind: "basic", username: "me", password: "s3cret" };
const ME_HEADER = `Basic ${Buffer.from("me:s3cret").toString("base64")}`;

interface Guarded {
  readonly registry: TestServer;
  readonly tokenServer: TestServer;
  client(credentials?: Credentials): RegistryClient;
}

/** A registry behind a token server, which gives tokens t1, t2, … and says what they are for. */
async function guarded(
  options: { readonly expiresIn?: number; readonly accept?: (token: string) => boolean; readonly oauth?: boolean } = {},
): Promise<Guarded> {
  const { expiresIn, accept = () => true, oauth = true } = options;
  let issued = 0;
  const tokenServer = await serve(cleanup, (request, response) => {
    const who = new URLSearchParams(request.body.toString()).get("refresh_token") ?? request.headers.authorization;
    if (request.method === "POST" && !oauth) response.writeHead(404).end();
    else if (![undefined, ME_HEADER, "IDT"].includes(who)) response.writeHead(401).end('{"details":"wrong password"}');
    else {
      issued += 1;
      const key = request.method === "POST" ? "access_token" : "token";
      response
        .writeHead(200)
        .end(JSON.stringify({ [key]: `t${issued}`, ...(expiresIn === undefined ? {} : { expires_in: expiresIn }) }));
    }
  });
  const registry = await serve(cleanup, ({ method, url, headers }, response) => {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
    if (token === undefined || !accept(token)) {
      const scope = url.includes("/p/") ? `,scope="repository:p:pull"` : "";
      const challenge = `Bearer realm="http://${tokenServer.address}/token?kept=1",service="reg"${scope}`;
      response.writeHead(401, { "www-authenticate": challenge }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
    } else if (method === "GET") response.writeHead(200).end(bytes);
    else if (method === "POST") response.writeHead(202, { location: "/v2/p/blobs/uploads/1" }).end();
    else response.writeHead(method === "HEAD" ? 404 : 201).end();
  });
  return {
    registry,
    tokenServer,
    client: (credentials) =>
      createRegistryClient({
        plainHttp: [registry.address, tokenServer.address],
        credentials: async (name) => (name === registry.address ? credentials : undefined),
        retry: { baseDelayMs: 1, maxRetries: 1 },
      }),
  };
}

const at = ({ registry }: Guarded) => parseReference(`${registry.address}/p`);
const asked = (request: RecordedRequest | undefined) => new URL(request?.url ?? "", "http://x").searchParams;

describe("tokens", () => {
  test("anonymous: one token for many requests", async () => {
    const place = await guarded({ expiresIn: 300 });
    const client = place.client();
    for (let i = 0; i < 3; i += 1) expect(digestOf(await client.pullBlob(at(place), blob))).toBe(blob.digest);
    expect(place.tokenServer.requests).toHaveLength(1);
    const [request] = place.tokenServer.requests;
    expect(request?.headers.authorization).toBeUndefined();
    expect([...asked(request)]).toEqual([
      ["kept", "1"],
      ["service", "reg"],
      ["scope", "repository:p:pull"],
    ]);
    expect(place.registry.requests.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      "Bearer t1",
      "Bearer t1",
      "Bearer t1",
    ]);
  });

  test("with a password, which only the token server sees", async () => {
    const place = await guarded();
    await place.client(ME).pullBlob(at(place), blob);
    expect(place.tokenServer.requests[0]?.headers.authorization).toBe(ME_HEADER);
    expect(place.registry.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, "Bearer t1"]);
  });

  test("a push asks for both rights at once, and one token does for all of it", async () => {
    const place = await guarded({ expiresIn: 300 });
    await place.client(ME).pushBlob(at(place), bytes);
    expect(place.tokenServer.requests).toHaveLength(1);
    expect(asked(place.tokenServer.requests[0]).getAll("scope")).toEqual(["repository:p:pull,push"]);
  });

  test("an identity token is exchanged, by POST", async () => {
    const place = await guarded();
    await place.client({ kind: "identity-token", token: "IDT" }).pullBlob(at(place), blob);
    const [request] = place.tokenServer.requests;
    expect(request?.method).toBe("POST");
    expect(Object.fromEntries(new URLSearchParams(request?.body.toString()))).toEqual({
      grant_type: "refresh_token",
      client_id: "weft",
      service: "reg",
      scope: "repository:p:pull",
      refresh_token: "IDT",
    });
  });

  test("a token server without OAuth2 is asked by GET then", async () => {
    const place = await guarded({ oauth: false });
    await place.client({ kind: "identity-token", token: "IDT" }).pullBlob(at(place), blob);
    expect(place.tokenServer.requests.map(({ method }) => method)).toEqual(["POST", "GET"]);
  });

  test("a registry token goes to the registry as it is", async () => {
    const place = await guarded({ accept: (token) => token === "RT" });
    await place.client({ kind: "registry-token", token: "RT" }).pullBlob(at(place), blob);
    expect(place.tokenServer.requests).toHaveLength(0);
    await expect(
      place.client({ kind: "registry-token", token: "old" }).pullBlob(at(place), blob),
    ).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("an expired token is replaced before it is used", async () => {
    const place = await guarded({ expiresIn: 1 });
    const client = place.client();
    await client.pullBlob(at(place), blob);
    await client.pullBlob(at(place), blob);
    expect(place.registry.requests.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      "Bearer t1",
      undefined,
      "Bearer t2",
    ]);
  });

  test("a token that the registry refuses is replaced once", async () => {
    let revoked = "";
    const place = await guarded({ expiresIn: 300, accept: (token) => token !== revoked });
    const client = place.client();
    await client.pullBlob(at(place), blob);
    revoked = "t1";
    await client.pullBlob(at(place), blob);
    expect(place.registry.requests.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      "Bearer t1",
      "Bearer t1",
      "Bearer t2",
    ]);

    const hopeless = await guarded({ expiresIn: 300, accept: () => false });
    await expect(hopeless.client(ME).pullBlob(at(hopeless), blob)).rejects.toMatchObject({
      code: "unauthorized",
      registryCode: "UNAUTHORIZED",
    });
    expect(hopeless.tokenServer.requests).toHaveLength(1);
  });

  test("a wrong password is the token server's to refuse, and is in no message", async () => {
    const place = await guarded();
    const wrong: Credentials = { kind: "basic", username: "me", password: "wr0ng" };
    const failure = await place
      .client(wrong)
      .pullBlob(at(place), blob)
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "unauthorized",
      message: expect.stringContaining(place.tokenServer.address),
    });
    expect(JSON.stringify(failure) + String((failure as Error).stack)).not.toContain("wr0ng");
  });

  test.each([
    ["no token", "{}"],
    ["a token with a line break", '{"token":"a\\r\\nX: y"}'],
    ["a token that is no text", '{"token":{}}'],
    ["no JSON", "t1"],
    ["null", "null"],
    ["too much", JSON.stringify({ token: "x".repeat(200_000) })],
  ])("an answer with %s is refused", async (_, body) => {
    const tokenServer = await serve(cleanup, (_request, response) => response.writeHead(200).end(body));
    const registry = await serve(cleanup, (_request, response) => {
      response.writeHead(401, { "www-authenticate": `Bearer realm="http://${tokenServer.address}/"` }).end();
    });
    const client = createRegistryClient({ plainHttp: [registry.address, tokenServer.address] });
    const failure = await client.ping(registry.address).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: expect.stringMatching(/^(protocol|too-large)$/) });
    expect((failure as Error).message).not.toContain(body.slice(0, 200_000));
  });

  test.each([
    ["plain HTTP that nobody allowed", "http://127.0.0.2:1/token", "not HTTPS"],
    ["a file", "file:///etc/passwd", "not HTTPS"],
    ["no URL", "token", "is no URL"],
    ["nothing", "", "is no URL"],
  ])("a realm that is %s gets no credentials", async (_, realm, reason) => {
    const registry = await serve(cleanup, (_request, response) => {
      response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end();
    });
    const client = createRegistryClient({ plainHttp: [registry.address], credentials: async () => ME });
    await expect(client.ping(registry.address)).rejects.toMatchObject({
      code: "protocol",
      message: expect.stringContaining(reason),
    });
  });

  test("a token server that redirects is not followed with the password", async () => {
    const thief = await serve(cleanup, (_request, response) => response.writeHead(200).end('{"token":"x"}'));
    const tokenServer = await serve(cleanup, (_request, response) => {
      response.writeHead(307, { location: `http://${thief.address}/` }).end();
    });
    const registry = await serve(cleanup, (_request, response) => {
      response.writeHead(401, { "www-authenticate": `Bearer realm="http://${tokenServer.address}/"` }).end();
    });
    const plainHttp = [registry.address, tokenServer.address, thief.address];
    const client = createRegistryClient({ plainHttp, credentials: async () => ME });
    await expect(client.ping(registry.address)).rejects.toMatchObject({ code: "protocol" });
    expect(thief.requests).toHaveLength(0);
  });

  test("a token server that is busy is asked again", async () => {
    const tokenServer = await serve(cleanup, (_request, response, count) => {
      response.writeHead(count === 1 ? 503 : 200).end('{"token":"x"}');
    });
    const registry = await serve(cleanup, ({ headers }, response) => {
      if (headers.authorization === "Bearer x") response.writeHead(200).end();
      else response.writeHead(401, { "www-authenticate": `Bearer realm="http://${tokenServer.address}/"` }).end();
    });
    const client = createRegistryClient({
      plainHttp: [registry.address, tokenServer.address],
      retry: { baseDelayMs: 1 },
    });
    await client.ping(registry.address);
    expect(tokenServer.requests).toHaveLength(2);
  });
});

describe("Basic", () => {
  const basicRegistry = () =>
    serve(cleanup, ({ headers }, response) => {
      if (headers.authorization === ME_HEADER) response.writeHead(200).end(bytes);
      else response.writeHead(401, { "www-authenticate": 'Basic realm="reg", charset="UTF-8"' }).end("go away");
    });

  test("after the first challenge it is sent at once", async () => {
    const registry = await basicRegistry();
    const client = createRegistryClient({ plainHttp: [registry.address], credentials: async () => ME });
    await client.pullBlob(parseReference(`${registry.address}/p`), blob);
    await client.pullBlob(parseReference(`${registry.address}/q`), blob);
    expect(registry.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, ME_HEADER, ME_HEADER]);
  });

  test("wrong, missing or unreachable credentials: one clear error", async () => {
    const registry = await basicRegistry();
    const cases: [Credentials | undefined, number, string][] = [
      [undefined, 1, "give credentials"],
      [{ ...ME, password: "wr0ng" }, 2, "give credentials"],
      [{ kind: "none", reason: "they are in a helper" }, 1, "they are in a helper"],
    ];
    for (const [credentials, requests, hint] of cases) {
      const before = registry.requests.length;
      const client = createRegistryClient({ plainHttp: [registry.address], credentials: async () => credentials });
      const failure = await client.ping(registry.address).catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: "unauthorized",
        registryMessage: "go away",
        hint: expect.stringContaining(hint),
      });
      expect(JSON.stringify(failure)).not.toContain("wr0ng");
      expect(registry.requests.length - before).toBe(requests);
    }
  });
});
