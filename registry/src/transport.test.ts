import { afterEach, describe, expect, test } from "vitest";
import { createCleanup, noise, serve, type TestServer } from "../test/fixtures.js";
import { digestOf } from "./digest.js";
import { parseReference } from "./reference.js";
import { createRegistryClient, type RegistryClientOptions } from "./remote.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const bytes = noise(500);
const blob = { digest: digestOf(bytes), size: bytes.byteLength };
const basic = async () => ({ kind: "basic", username: "me", password: "secret" }) as const;
const FAST = { baseDelayMs: 1, maxRetries: 3 };

const pull = ({ address }: TestServer, options: RegistryClientOptions = {}, signal?: AbortSignal) => {
  const client = createRegistryClient({ plainHttp: [address], retry: FAST, ...options });
  return client.pullBlob(parseReference(`${address}/p`), blob, { signal });
};

describe("redirects", () => {
  test("to another server are followed without credentials, and those do not come back", async () => {
    const storage: TestServer = await serve(cleanup, ({ url }, response) => {
      if (url.startsWith("/blob")) response.writeHead(302, { location: `http://${registry.address}/back` }).end();
      else response.writeHead(500).end();
    });
    const registry: TestServer = await serve(cleanup, ({ url, headers }, response) => {
      if (url === "/back") response.writeHead(200).end(bytes);
      else if (headers.authorization === undefined) {
        response.writeHead(401, { "www-authenticate": 'Basic realm="r"' }).end();
      } else response.writeHead(307, { location: `http://${storage.address}/blob?sig=1` }).end();
    });
    const plainHttp = [registry.address, storage.address];
    expect(digestOf(await pull(registry, { plainHttp, credentials: basic }))).toBe(blob.digest);
    expect(registry.requests.map(({ url, headers }) => [url, headers.authorization !== undefined])).toEqual([
      [`/v2/p/blobs/${blob.digest}`, false],
      [`/v2/p/blobs/${blob.digest}`, true],
      ["/back", false],
    ]);
    expect(storage.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  test("back to the registry get no credentials either, even if it asks for them", async () => {
    const storage: TestServer = await serve(cleanup, (_request, response) => {
      response.writeHead(302, { location: `http://${registry.address}/back` }).end();
    });
    const registry: TestServer = await serve(cleanup, ({ url, headers }, response) => {
      const isKnown = headers.authorization !== undefined;
      if (url !== "/back") response.writeHead(307, { location: `http://${storage.address}/blob` }).end();
      else response.writeHead(isKnown ? 200 : 401, { "www-authenticate": "Basic" }).end(isKnown ? bytes : "");
    });
    const plainHttp = [registry.address, storage.address];
    await expect(pull(registry, { plainHttp, credentials: basic })).rejects.toMatchObject({ code: "unauthorized" });
    expect(registry.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
  });

  test("on the same server keep the credentials", async () => {
    const registry = await serve(cleanup, ({ url, headers }, response) => {
      if (headers.authorization === undefined) response.writeHead(401, { "www-authenticate": "Basic" }).end();
      else if (url === "/blob") response.writeHead(200).end(bytes);
      else response.writeHead(301, { location: "/blob" }).end();
    });
    expect(digestOf(await pull(registry, { credentials: basic }))).toBe(blob.digest);
  });

  test("a 401 of another server gets no credentials", async () => {
    const other = await serve(cleanup, (_request, response) => {
      response.writeHead(401, { "www-authenticate": 'Basic realm="give me"' }).end();
    });
    const registry = await serve(cleanup, (_request, response) => {
      response.writeHead(307, { location: `http://${other.address}/` }).end();
    });
    const plainHttp = [registry.address, other.address];
    await expect(pull(registry, { plainHttp, credentials: basic })).rejects.toMatchObject({ code: "unauthorized" });
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  test.each([
    ["plain HTTP that nobody allowed", "http://127.0.0.2:1/x", "protocol", "which is not HTTPS"],
    ["another scheme", "file:///etc/passwd", "protocol", "file://"],
    ["what is no URL", "http://[", "protocol", "unusable redirect"],
    ["itself", "", "protocol", "more than 5 redirects"],
  ])("to %s end in an error", async (_, location, code, reason) => {
    const registry = await serve(cleanup, ({ url }, response) => {
      response.writeHead(307, { location: location === "" ? url : location }).end();
    });
    await expect(pull(registry)).rejects.toMatchObject({ code, message: expect.stringContaining(reason) });
  });

  test("an upload is redirected by 307 and 308 with its body, and by nothing else", async () => {
    for (const status of [307, 308, 302]) {
      const registry = await serve(cleanup, ({ method, url, body }, response) => {
        if (method === "HEAD") response.writeHead(404).end();
        else if (method === "POST") response.writeHead(202, { location: "/up" }).end();
        else if (url.startsWith("/up")) response.writeHead(status, { location: "/there" }).end();
        else response.writeHead(body.equals(bytes) ? 201 : 400).end();
      });
      const client = createRegistryClient({ plainHttp: [registry.address] });
      const push = client.pushBlob(parseReference(`${registry.address}/p`), bytes);
      if (status === 302) await expect(push).rejects.toMatchObject({ code: "protocol" });
      else expect(await push).toMatchObject({ skipped: false });
    }
  });

  test("an upload location on another server gets no credentials", async () => {
    const storage = await serve(cleanup, (_request, response) => response.writeHead(201).end());
    const registry = await serve(cleanup, ({ method, headers }, response) => {
      if (headers.authorization === undefined) response.writeHead(401, { "www-authenticate": "Basic" }).end();
      else if (method === "HEAD") response.writeHead(404).end();
      else response.writeHead(202, { location: `http://${storage.address}/up` }).end();
    });
    const plainHttp = [registry.address, storage.address];
    await createRegistryClient({ plainHttp, credentials: basic }).pushBlob(
      parseReference(`${registry.address}/p`),
      bytes,
    );
    expect(storage.requests.map(({ method, headers }) => [method, headers.authorization])).toEqual([
      ["PUT", undefined],
    ]);
  });
});

describe("retries", () => {
  test.each([408, 429, 500, 502, 503, 504])("%d is tried again", async (status) => {
    const registry = await serve(cleanup, (_request, response, count) => {
      if (count < 3) response.writeHead(status).end("busy");
      else response.writeHead(200).end(bytes);
    });
    expect(digestOf(await pull(registry))).toBe(blob.digest);
    expect(registry.requests).toHaveLength(3);
  });

  test.each([
    [400, "protocol"],
    [403, "forbidden"],
    [404, "not-found"],
    [501, "unavailable"],
  ])("%d is not", async (status, code) => {
    const registry = await serve(cleanup, (_request, response) => response.writeHead(status).end());
    await expect(pull(registry)).rejects.toMatchObject({ code, status, retryable: false });
    expect(registry.requests).toHaveLength(1);
  });

  test("have an end, and the error is the last one", async () => {
    const registry = await serve(cleanup, (_request, response, count) => {
      response.writeHead(503).end(JSON.stringify({ errors: [{ code: "UNKNOWN", message: `sorry\u0007\n${count}` }] }));
    });
    await expect(pull(registry)).rejects.toMatchObject({
      code: "unavailable",
      retryable: true,
      registryCode: "UNKNOWN",
      registryMessage: "sorry 4",
    });
  });

  test("wait as long as the registry asks, unless that is too long", async () => {
    let busyUntil = 0;
    const registry = await serve(cleanup, (_request, response, count) => {
      if (count === 1) busyUntil = Date.now() + 1_000;
      if (Date.now() < busyUntil - 50) response.writeHead(429, { "retry-after": "1" }).end();
      else response.writeHead(200).end(bytes);
    });
    expect(digestOf(await pull(registry))).toBe(blob.digest);
    expect(registry.requests).toHaveLength(2);

    const stubborn = await serve(cleanup, (_request, response) =>
      response.writeHead(429, { "retry-after": "3600" }).end(),
    );
    await expect(pull(stubborn)).rejects.toMatchObject({ code: "rate-limited", retryAfterMs: 3_600_000 });
    expect(stubborn.requests).toHaveLength(1);
  });
});

describe("time limits", () => {
  test("a registry that never answers", async () => {
    const registry = await serve(cleanup, () => undefined);
    await expect(pull(registry, { timeoutMs: 30, retry: { maxRetries: 0 } })).rejects.toMatchObject({
      code: "timeout",
      retryable: true,
    });
  });

  test("a body that never ends", async () => {
    const registry = await serve(cleanup, (_request, response) => {
      response.writeHead(200, { "content-length": bytes.byteLength });
      response.write(bytes.subarray(0, 10));
    });
    await expect(pull(registry, { timeoutMs: 30, retry: { maxRetries: 0 } })).rejects.toMatchObject({
      code: "timeout",
    });
  });

  test("the caller's signal, before, during and between", async () => {
    const silent = await serve(cleanup, () => undefined);
    const reason = new Error("the caller gave up");
    await expect(pull(silent, {}, AbortSignal.abort(reason))).rejects.toBe(reason);

    const during = new AbortController();
    const waiting = pull(silent, {}, during.signal);
    setTimeout(() => during.abort(reason), 50);
    await expect(waiting).rejects.toBe(reason);

    const between = new AbortController();
    const busy = await serve(cleanup, (_request, response) => {
      response.writeHead(503).end(() => setTimeout(() => between.abort(reason), 20));
    });
    await expect(pull(busy, { retry: { baseDelayMs: 60_000 } }, between.signal)).rejects.toBe(reason);
  });
});

describe("connections", () => {
  test("refused: the error says where, and what to do", async () => {
    const registry = await serve(cleanup, () => undefined);
    await cleanup.run();
    await expect(pull(registry, { retry: { maxRetries: 0 } })).rejects.toMatchObject({
      code: "unavailable",
      retryable: true,
      message: expect.stringMatching(new RegExp(`http://${registry.address}: .*ECONNREFUSED`)),
      hint: expect.stringContaining("nothing listens there"),
    });
  });

  test("plain HTTP is used for the registries named only, loopback or not", async () => {
    const registry = await serve(cleanup, (_request, response) => response.writeHead(200).end(bytes));
    await expect(pull(registry, { plainHttp: ["127.0.0.1"] })).rejects.toMatchObject({
      code: "unavailable",
      retryable: false,
      hint: expect.stringContaining(`name ${registry.address} in plainHttp`),
    });
    expect(registry.requests).toHaveLength(0);
    expect(digestOf(await pull(registry, { plainHttp: (host) => host === registry.address }))).toBe(blob.digest);
  });

  test("a redirect to nowhere names where, not the registry", async () => {
    const gone = await serve(cleanup, () => undefined);
    await cleanup.run();
    const registry = await serve(cleanup, (_request, response) => {
      response.writeHead(307, { location: `http://${gone.address}/x` }).end();
    });
    const plainHttp = [registry.address, gone.address];
    await expect(pull(registry, { plainHttp, retry: { maxRetries: 0 } })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(`no connection to http://${gone.address}`),
    });
  });

  test("the default port in a name is no reason to refuse it", async () => {
    const asked: string[] = [];
    const fetch = async (url: string | URL | Request): Promise<Response> => {
      asked.push(String(url));
      return new Response();
    };
    const client = createRegistryClient({ plainHttp: ["127.0.0.1:80"], fetch });
    await client.ping("127.0.0.1:80");
    await client.ping("127.0.0.1:443");
    await client.ping("docker.io");
    expect(asked).toEqual(["http://127.0.0.1/v2/", "https://127.0.0.1/v2/", "https://registry-1.docker.io/v2/"]);
  });

  test("a port that fetch refuses is named", async () => {
    const client = createRegistryClient({ plainHttp: ["127.0.0.1:6000"] });
    await expect(client.ping("127.0.0.1:6000")).rejects.toMatchObject({
      code: "unavailable",
      retryable: false,
      hint: expect.stringContaining("another one"),
    });
  });

  test("errors in HTML or of any size do no harm", async () => {
    const answers: [string, unknown][] = [
      ["<html>nope</html>", undefined],
      ["plain words", "plain words"],
      ["x".repeat(1_000), `${"x".repeat(300)}…`],
      ["x".repeat(1_000_000), undefined],
      ['{"errors":[{"code":"DENIED"}]}', undefined],
      ['{"errors":"odd"}', undefined],
      ["[]", undefined],
      ["null", undefined],
    ];
    for (const [body, registryMessage] of answers) {
      const registry = await serve(cleanup, (_request, response) => response.writeHead(403).end(body));
      await expect(pull(registry), body.slice(0, 40)).rejects.toMatchObject({ code: "forbidden", registryMessage });
    }
  });

  test("content is never decompressed on the way", async () => {
    const registry = await serve(cleanup, (_request, response) => response.writeHead(200).end(bytes));
    await pull(registry);
    expect(registry.requests[0]?.headers["accept-encoding"]).toBe("identity");
  });
});
