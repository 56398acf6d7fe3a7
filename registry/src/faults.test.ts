import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import {
  createCleanup,
  type Intercept,
  noise,
  type RecordedRequest,
  startBefore,
  startOldRegistry,
  startRegistry,
  wasmModule,
} from "../test/fixtures.js";
import { packPlugin } from "./pack-plugin.js";
import { pullPlugin } from "./pull-plugin.js";
import { pushPlugin } from "./push-plugin.js";
import { parseReference } from "./reference.js";
import { createRegistryClient, type RegistryClientOptions } from "./remote.js";
import { generateKeyPair, loadSigningKey } from "./signing/key.js";
import { signImage } from "./signing/sign-image.js";
import { verifyImage } from "./signing/verify-image.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

type Fault = (request: RecordedRequest, response: ServerResponse) => void;

/** What a registry, or a proxy before it, does instead of answering. */
const FAULTS: readonly [string, Fault][] = [
  ["429 with Retry-After", (_, response) => response.writeHead(429, { "retry-after": "0" }).end()],
  [
    "429 with a date that has passed",
    (_, response) => response.writeHead(429, { "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" }).end(),
  ],
  ["408", (_, response) => response.writeHead(408).end()],
  [
    "500 with an error of the registry",
    (_, response) => response.writeHead(500).end('{"errors":[{"code":"UNKNOWN"}]}'),
  ],
  ["502 with a page of HTML", (_, response) => response.writeHead(502, { "content-type": "text/html" }).end("<html>")],
  ["503 that breaks off", (_, response) => breakOff(response, 503, "sor")],
  ["a connection that is closed", (_, response) => response.destroy()],
  ["a body that breaks off", ({ method }, response) => breakOff(response, method === "GET" ? 200 : 500, '{"sch')],
  ["silence", () => undefined],
];

function breakOff(response: ServerResponse, status: number, start: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.write(start, () => response.destroy());
}

/** The fault at the first request of each kind, and at its repetition `times - 1` times more. */
function atFirst(fault: Fault, times: number): { readonly intercept: Intercept; readonly count: () => number } {
  const seen = new Map<string, number>();
  let count = 0;
  const intercept: Intercept = (request, response) => {
    // Each upload has a path of its own; what was sent before is no new request.
    const key = `${request.method} ${request.url.replace(/uploads\/[^?]+/, "uploads/*")}`;
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    if (before >= times) return false;
    count += 1;
    fault(request, response);
    return true;
  };
  return { intercept, count: () => count };
}

const plugin = () => packPlugin({ wasm: wasmModule(noise(30_000)), pluginYaml: "name: p\n" });

describe.each([
  ["with the referrers API", startRegistry],
  ["without it", startOldRegistry],
] as const)("a registry %s that answers every question at the second attempt only", (_, start) => {
  test.each(FAULTS)("%s", async (_name, fault) => {
    const { intercept, count } = atFirst(fault, 1);
    const address = await startBefore(cleanup, await start(cleanup), intercept);
    // A push asks three questions in one attempt, and each of them fails once.
    const options: RegistryClientOptions = { retry: { baseDelayMs: 1, maxRetries: 8 }, timeoutMs: 500 };
    const client = createRegistryClient({ plainHttp: [address], ...options });
    const reference = parseReference(`${address}/team/p:v1`);
    const artifact = await plugin();
    const { digest } = await pushPlugin(client, reference, artifact);
    expect(digest).toBe(artifact.manifestDigest);
    const pair = await generateKeyPair("");
    const key = await loadSigningKey(pair.privateKey, "", "key");
    await signImage(client, reference, key);
    expect(await verifyImage(client, reference, digest, [key.publicKey])).toMatchObject({ ok: true });
    expect(await pullPlugin(client, reference)).toMatchObject({ digest, wasmSha256: artifact.wasmSha256 });
    expect(count()).toBeGreaterThan(8);
  });
});

test("a registry that never gets well: the last error, with the number of attempts that was allowed", async () => {
  for (const [name, fault] of FAULTS) {
    const { intercept, count } = atFirst(fault, Number.POSITIVE_INFINITY);
    const address = await startBefore(cleanup, await startRegistry(cleanup), intercept);
    const client = createRegistryClient({
      plainHttp: [address],
      retry: { baseDelayMs: 1, maxRetries: 2 },
      timeoutMs: 300,
    });
    const pull = client.pullManifest(parseReference(`${address}/p:v1`));
    await expect(pull, name).rejects.toMatchObject({ name: "RegistryError", retryable: true });
    expect(count(), name).toBe(3);
  }
});

test("a transfer that is slow but goes on is waited for", async () => {
  const upstream = await startRegistry(cleanup);
  const artifact = await plugin();
  const address = await startBefore(cleanup, upstream, ({ method, url }, response) => {
    if (method !== "GET" || !url.endsWith(artifact.layer.descriptor.digest)) return false;
    const { bytes } = artifact.layer;
    response.writeHead(200, { "content-length": bytes.byteLength });
    const send = (from: number): void => {
      if (from >= bytes.byteLength) response.end();
      else response.write(bytes.subarray(from, from + 5_000), () => setTimeout(() => send(from + 5_000), 20));
    };
    send(0);
    return true;
  });
  const client = createRegistryClient({ plainHttp: [address] });
  const reference = parseReference(`${address}/p:v1`);
  await pushPlugin(client, reference, artifact);
  expect(await pullPlugin(client, reference)).toMatchObject({ wasmSha256: artifact.wasmSha256 });
});

test("storage that refuses a signed address is named with its status, and got no credentials", async () => {
  const authorized: (string | undefined)[] = [];
  const storage = await startBefore(cleanup, await startRegistry(cleanup), ({ headers }, response) => {
    authorized.push(headers.authorization);
    response.writeHead(403).end("<Error><Code>AccessDenied</Code></Error>");
    return true;
  });
  const upstream = await startRegistry(cleanup);
  const address = await startBefore(cleanup, upstream, ({ method, url, headers }, response) => {
    if (headers.authorization === undefined) response.writeHead(401, { "www-authenticate": "Basic" }).end();
    else if (method === "GET" && url.includes("/blobs/sha256:"))
      response.writeHead(307, { location: `http://${storage}/bucket?X-Amz-Expires=1` }).end();
    else return false;
    return true;
  });
  const client = createRegistryClient({
    plainHttp: () => true,
    credentials: async () => ({ kind: "basic", username: "me", password: "secret" }),
  });
  const reference = parseReference(`${address}/p:v1`);
  await pushPlugin(client, reference, await plugin());
  await expect(pullPlugin(client, reference)).rejects.toMatchObject({ code: "forbidden", status: 403 });
  expect(authorized).toEqual([undefined]);
});

test("a token that ends in the middle of a push is replaced", async () => {
  const users = { scheme: "token", verify: async (_: string, password: string) => password === "secret" } as const;
  const upstream = await startRegistry(cleanup, { authentication: users });
  let requests = 0;
  let issued = 0;
  const address = await startBefore(cleanup, upstream, ({ url, headers }, response) => {
    if (url.startsWith("/token")) {
      issued += 1;
      return false;
    }
    const isBearer = headers.authorization !== undefined;
    if (isBearer) requests += 1;
    // Every third request finds its token ended.
    if (!isBearer || requests % 3 !== 0) return false;
    const challenge = `Bearer realm="http://${address}/token",service="weft-registry",error="invalid_token"`;
    response.writeHead(401, { "www-authenticate": challenge }).end();
    return true;
  });
  const client = createRegistryClient({
    plainHttp: () => true,
    credentials: async () => ({ kind: "basic", username: "me", password: "secret" }),
    retry: { baseDelayMs: 1 },
  });
  const reference = parseReference(`${address}/team/p:v1`);
  const artifact = await plugin();
  await pushPlugin(client, reference, artifact);
  expect(await pullPlugin(client, reference)).toMatchObject({ digest: artifact.manifestDigest });
  expect(issued).toBeGreaterThan(2);
});
