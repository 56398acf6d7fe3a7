import { afterEach, describe, expect, test } from "vitest";
import {
  createCleanup,
  noise,
  serve,
  startBefore,
  startOldRegistry,
  startRegistry,
  wasmModule,
} from "../test/fixtures.js";
import { digestOf } from "./digest.js";
import { OCI_EMPTY, OCI_MANIFEST } from "./media-types.js";
import { packPlugin } from "./pack-plugin.js";
import { pullPlugin } from "./pull-plugin.js";
import { pushPlugin } from "./push-plugin.js";
import { parseReference } from "./reference.js";
import { fallbackTag } from "./referrers.js";
import { createRegistryClient, type RegistryClientOptions } from "./remote.js";
import type { RegistryWarning } from "./warnings.js";

// What the distribution specification asks of clients, as far as no other test has it.

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const clientFor = (address: string, options: RegistryClientOptions = {}) =>
  createRegistryClient({ plainHttp: [address], retry: { baseDelayMs: 1, maxRetries: 2 }, ...options });

describe("warnings", () => {
  async function warned(headers: readonly string[]): Promise<RegistryWarning[]> {
    const told: RegistryWarning[] = [];
    const server = await serve(cleanup, (_request, response, count) => {
      response.writeHead(200, { warning: headers[count - 1] ?? "" }).end('{"tags":[]}');
    });
    const client = clientFor(server.address, { onWarning: (warning) => told.push(warning) });
    for (const _ of headers) {
      expect(await client.tags({ registry: server.address, repository: "p" })).toEqual([]);
    }
    expect(told.every(({ registry }) => registry === server.address)).toBe(true);
    return told;
  }

  test.each<[string, string[], string[]]>([
    ["are told", ['299 - "old"'], ["old"]],
    ["are told once", ['299 - "old"', '299 - "old"', '299 - "new"'], ["old", "new"]],
    ["may be several in one header", ['299 - "a, b", 299 - "c"'], ["a, b", "c"]],
    ["may have quotes and an agent", ['299 registry "say \\"hi\\""'], ['say "hi"']],
    ["of other codes are not", ['110 - "stale"', '199 - "x"'], []],
    ["that are broken are not", ["299", "299 - x", '299 - "', '299 - ""'], []],
    ["cannot move the cursor", ['299 - "a\tb"'], ["a b"]],
  ])("%s", async (_, headers, texts) => {
    expect((await warned(headers)).map(({ text }) => text)).toEqual(texts);
  });

  test("have a bound", async () => {
    const headers = Array.from({ length: 120 }, (_, i) => `299 - "${"x".repeat(400)} ${i}"`);
    const [first, ...more] = await warned(headers);
    expect(first?.text.length).toBeLessThan(310);
    expect(more.length).toBeLessThan(100);
  });
});

test("a manifest goes with its own type and comes with parameters", async () => {
  const { manifestBytes, manifestDigest } = await packPlugin({ wasm: wasmModule(), pluginYaml: "name: p" });
  const server = await serve(cleanup, ({ method }, response) => {
    if (method === "PUT") response.writeHead(201).end();
    else response.writeHead(200, { "content-type": `${OCI_MANIFEST}; charset=utf-8` }).end(manifestBytes);
  });
  const client = clientFor(server.address);
  const reference = parseReference(`${server.address}/p:v1`);
  await client.pushManifest(reference, manifestBytes, OCI_MANIFEST);
  expect(await client.pullManifest(reference)).toMatchObject({ digest: manifestDigest, mediaType: OCI_MANIFEST });
  expect(server.requests.map(({ headers }) => headers["content-type"])).toEqual([OCI_MANIFEST, undefined]);
  expect(server.requests[1]?.headers.accept).toContain(OCI_MANIFEST);
  expect(server.requests.every(({ url }) => !url.includes("ns="))).toBe(true);
});

describe("an upload that the caller gives up", () => {
  test("is cancelled, and what the registry says to that does not matter", async () => {
    for (const status of [204, 500]) {
      const reason = new Error("enough");
      const controller = new AbortController();
      const server = await serve(cleanup, ({ method }, response) => {
        if (method === "HEAD") response.writeHead(404).end();
        else if (method === "POST") response.writeHead(202, { location: "/up/1?_state=x" }).end();
        else if (method === "PUT") controller.abort(reason);
        else response.writeHead(status).end();
      });
      const client = clientFor(server.address);
      const push = client.pushBlob(parseReference(`${server.address}/p`), noise(100), { signal: controller.signal });
      await expect(push).rejects.toBe(reason);
      const cancelled = () => server.requests.find(({ method }) => method === "DELETE")?.url;
      await expect.poll(cancelled).toBe("/up/1?_state=x");
    }
  });

  test("at another server is left to that", async () => {
    const controller = new AbortController();
    const storage = await serve(cleanup, () => controller.abort(new Error("enough")));
    const server = await serve(cleanup, ({ method }, response) => {
      if (method === "POST") response.writeHead(202, { location: `http://${storage.address}/up` }).end();
      else response.writeHead(404).end();
    });
    const client = clientFor(server.address, { plainHttp: () => true });
    const push = client.pushBlob(parseReference(`${server.address}/p`), noise(100), { signal: controller.signal });
    await expect(push).rejects.toThrow("enough");
    await client.hasBlob(parseReference(`${server.address}/p`), digestOf(noise(1)));
    expect(storage.requests.map(({ method }) => method)).toEqual(["PUT"]);
    expect(server.requests.map(({ method }) => method)).toEqual(["HEAD", "POST", "HEAD"]);
  });
});

test("a fallback tag that is no list of referrers is told and left alone", async () => {
  const address = await startOldRegistry(cleanup);
  const client = clientFor(address);
  const reference = parseReference(`${address}/p:v1`);
  const artifact = await packPlugin({ wasm: wasmModule(), pluginYaml: "name: p" });
  const { digest } = await pushPlugin(client, reference, artifact);
  const other = await packPlugin({ wasm: wasmModule(), pluginYaml: "name: other" });
  const tag = { ...reference, tag: fallbackTag(digest) };
  const { digest: otherDigest } = await pushPlugin(client, tag, other);
  const empty = Buffer.from("{}");
  await client.pushBlob(reference, empty);
  const descriptor = { mediaType: OCI_EMPTY, digest: digestOf(empty), size: empty.length };
  const subject = { mediaType: OCI_MANIFEST, digest, size: artifact.manifestBytes.length };
  const referrer = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptor, layers: [descriptor], subject };
  const pushed = client.pushReferrer(reference, Buffer.from(JSON.stringify(referrer)));
  await expect(pushed).rejects.toMatchObject({
    code: "invalid-manifest",
    message: expect.stringContaining(tag.tag),
    hint: expect.stringContaining("no referrers API"),
  });
  expect(await client.resolve(tag)).toMatchObject({ digest: otherDigest });
});

test("a mirror gets its own credentials, never those of the registry", async () => {
  const seen: string[] = [];
  const home = await startRegistry(cleanup);
  const mirror = await startBefore(cleanup, home, ({ headers }, response) => {
    if (headers.authorization === undefined) response.writeHead(401, { "www-authenticate": "Basic" }).end();
    else seen.push(Buffer.from(headers.authorization.replace("Basic ", ""), "base64").toString());
    return headers.authorization === undefined;
  });
  const reference = parseReference(`${home}/p:v1`);
  const artifact = await packPlugin({ wasm: wasmModule(), pluginYaml: "name: p" });
  await pushPlugin(clientFor(home), reference, artifact);
  const client = clientFor(home, {
    plainHttp: () => true,
    registries: { [home]: { plainHttp: true, mirrors: [mirror] } },
    credentials: async (registry) => ({
      kind: "basic",
      username: registry === mirror ? "mirror" : "home",
      password: "x",
    }),
  });
  expect(await pullPlugin(client, reference)).toMatchObject({ digest: artifact.manifestDigest });
  expect(new Set(seen)).toEqual(new Set(["mirror:x"]));
});
