import { afterEach, describe, expect, test } from "vitest";
import { createCleanup, noise, serve, startRegistry, wasmModule } from "../test/fixtures.js";
import { digestOf } from "./digest.js";
import { OCI_INDEX, OCI_MANIFEST } from "./media-types.js";
import { packPlugin } from "./pack-plugin.js";
import { pullPlugin } from "./pull-plugin.js";
import { pushPlugin } from "./push-plugin.js";
import { parseReference } from "./reference.js";
import { createRegistryClient, type RegistryClient } from "./remote.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const clientFor = (...plainHttp: string[]): RegistryClient => {
  return createRegistryClient({ plainHttp, retry: { baseDelayMs: 1, maxRetries: 2 } });
};
const plugin = (seed = 1) => packPlugin({ wasm: wasmModule(noise(20_000, seed)), pluginYaml: `name: p${seed}\n` });

describe("against the embedded registry", () => {
  test("a plugin is pushed, resolved and pulled", async () => {
    const registry = await startRegistry(cleanup);
    const client = clientFor(registry);
    const reference = parseReference(`oci://${registry}/plugins/retry:v1`);
    const artifact = await plugin();
    const { manifestDigest, manifestBytes, layer, config, manifest } = artifact;

    await client.ping(registry);
    const pushed = await pushPlugin(client, reference, artifact);
    const allBytes = layer.bytes.byteLength + config.bytes.byteLength + manifestBytes.byteLength;
    expect(pushed).toEqual({ digest: manifestDigest, bytesSent: allBytes, blobsSkipped: 0 });

    const resolved = { digest: manifestDigest, mediaType: OCI_MANIFEST, size: manifestBytes.byteLength };
    expect(await client.resolve(reference)).toEqual(resolved);
    expect(await client.resolve({ ...reference, digest: manifestDigest })).toEqual(resolved);

    for (const at of [reference, { ...reference, tag: "gone", digest: manifestDigest }]) {
      const pulled = await pullPlugin(client, at);
      expect(pulled).toMatchObject({ digest: manifestDigest, manifest, wasmSha256: artifact.wasmSha256 });
      expect(pulled.pluginYaml).toBe("name: p1\n");
      expect(`sha256:${pulled.wasmSha256}`).toBe(digestOf(pulled.wasm));
    }

    const again = await pushPlugin(client, { ...reference, tag: "v2" }, artifact);
    expect(again).toEqual({ digest: manifestDigest, bytesSent: manifestBytes.byteLength, blobsSkipped: 2 });
    expect(await client.tags(reference)).toEqual(["v1", "v2"]);
  });

  test("a tag moves to what was pushed last", async () => {
    const registry = await startRegistry(cleanup);
    const client = clientFor(registry);
    const reference = parseReference(`${registry}/p:latest`);
    const [one, two] = [await plugin(1), await plugin(2)];
    await pushPlugin(client, reference, one);
    await pushPlugin(client, reference, two);
    expect((await client.resolve({ ...reference, tag: "latest" })).digest).toBe(two.manifestDigest);
    const old = { registry, repository: "p", digest: one.manifestDigest };
    expect((await pullPlugin(client, old)).wasmSha256).toBe(one.wasmSha256);
    await expect(pushPlugin(client, old, two)).rejects.toMatchObject({ code: "digest-mismatch" });
  });

  test("tags come in pages", async () => {
    const registry = await startRegistry(cleanup);
    const client = clientFor(registry);
    const reference = parseReference(`${registry}/p:a`);
    const { manifestBytes } = await plugin();
    await pushPlugin(client, reference, await plugin());
    const tags = Array.from({ length: 1_050 }, (_, i) => `t${String(i).padStart(5, "0")}`);
    for (const tag of tags) await client.pushManifest({ ...reference, tag }, manifestBytes, OCI_MANIFEST);
    expect(await client.tags(reference)).toEqual(["a", ...tags]);
  });

  test("what is not there is named, with the registry's words", async () => {
    const registry = await startRegistry(cleanup);
    const client = clientFor(registry);
    const reference = parseReference(`${registry}/plugins/retry:v9`);
    const expected = {
      code: "not-found",
      status: 404,
      registryCode: "NAME_UNKNOWN",
      message: expect.stringMatching(
        /127\.0\.0\.1:\d+\/plugins\/retry:v9: not found \(NAME_UNKNOWN: .*plugins\/retry\)/,
      ),
      hint: expect.stringContaining("check the repository"),
    };
    await expect(client.resolve(reference)).rejects.toMatchObject(expected);
    await expect(pullPlugin(client, reference)).rejects.toMatchObject(expected);
    await expect(client.tags(reference)).rejects.toMatchObject({ code: "not-found" });
    const blob = { digest: digestOf(noise(3)), size: 3 };
    await expect(client.pullBlob(reference, blob)).rejects.toMatchObject({ registryCode: "BLOB_UNKNOWN" });
    expect(await client.hasBlob(reference, blob.digest)).toBe(false);
  });

  test("an index is refused with its platforms", async () => {
    const registry = await startRegistry(cleanup);
    const client = clientFor(registry);
    const reference = parseReference(`${registry}/p:multi`);
    const platform = { os: "linux", architecture: "amd64" };
    const entry = { mediaType: OCI_MANIFEST, digest: digestOf(noise(3)), size: 3, platform };
    const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] };
    await client.pushManifest(reference, Buffer.from(JSON.stringify(index)), OCI_INDEX);
    await expect(pullPlugin(client, reference)).rejects.toMatchObject({
      code: "unsupported-artifact",
      message: expect.stringContaining("linux/amd64"),
    });
  });

  test("limits name the image and the numbers", async () => {
    const registry = await startRegistry(cleanup);
    const client = clientFor(registry);
    const reference = parseReference(`${registry}/p:v1`);
    await pushPlugin(client, reference, await plugin());
    for (const limits of [
      { maxLayerBytes: 100 },
      { maxUnpackedBytes: 100 },
      { maxWasmBytes: 100 },
      { maxEntries: 1 },
    ]) {
      await expect(pullPlugin(client, reference, limits)).rejects.toMatchObject({
        code: "too-large",
        message: expect.stringMatching(/\/p:v1: .*(100|1 entries)/),
      });
    }
  });

  test("50 pushes of the same and of different content at once", async () => {
    const registry = await startRegistry(cleanup);
    const client = clientFor(registry);
    const artifacts = await Promise.all(Array.from({ length: 10 }, (_, i) => plugin(i % 5)));
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        pushPlugin(client, parseReference(`${registry}/p${i % 3}:v${i}`), artifacts[i % 10]!),
      ),
    );
    for (let i = 0; i < 50; i += 1) {
      const pulled = await pullPlugin(client, parseReference(`${registry}/p${i % 3}:v${i}`));
      expect(pulled.digest).toBe(artifacts[i % 10]!.manifestDigest);
    }
  });

  test("a blob that the registry does not want is refused with its words", async () => {
    const registry = await startRegistry(cleanup, { maxUploadBytes: 1_000 });
    const client = clientFor(registry);
    await expect(client.pushBlob(parseReference(`${registry}/p`), noise(1_001))).rejects.toMatchObject({
      code: "too-large",
      registryMessage: expect.stringContaining("at most 1000 bytes"),
    });
    expect(await client.pushBlob(parseReference(`${registry}/p`), noise(1_000))).toMatchObject({ skipped: false });
  });

  test("a reference that the parser would refuse is refused here too", async () => {
    const client = clientFor();
    await expect(client.resolve({ registry: "r.io", repository: "../x" })).rejects.toMatchObject({
      code: "invalid-reference",
    });
    await expect(client.resolve({ registry: "r.io", repository: "x", tag: "a/b" })).rejects.toMatchObject({
      code: "invalid-reference",
    });
  });
});

describe("against a registry that is old, odd or bad", () => {
  const bytes = noise(1_000);
  const blob = { digest: digestOf(bytes), size: bytes.byteLength };

  test("resolve asks by GET where HEAD fails or says too little", async () => {
    const { manifestBytes, manifestDigest } = await plugin();
    for (const headStatus of [200, 404, 405]) {
      const { address, requests } = await serve(cleanup, ({ method }, response) => {
        if (method === "HEAD") response.writeHead(headStatus).end();
        else response.writeHead(200, { "content-type": OCI_MANIFEST }).end(manifestBytes);
      });
      const resolved = await clientFor(address).resolve(parseReference(`${address}/p:v1`));
      expect(resolved).toMatchObject({ digest: manifestDigest, size: manifestBytes.byteLength });
      expect(requests.map(({ method }) => method)).toEqual(["HEAD", "GET"]);
      for (const { headers } of requests) expect(headers.accept).toContain(OCI_MANIFEST);
    }
  });

  test.each<[string, (good: Buffer, digest: string) => [Record<string, string>, Buffer], string]>([
    [
      "other content under a digest",
      (good) => [{ "content-type": OCI_MANIFEST }, Buffer.concat([good, Buffer.from(" ")])],
      "digest-mismatch",
    ],
    [
      "a Docker-Content-Digest that is not the content's",
      (good) => [{ "content-type": OCI_MANIFEST, "docker-content-digest": digestOf(noise(9)) }, good],
      "digest-mismatch",
    ],
    ["another Content-Type", (good) => [{ "content-type": OCI_INDEX }, good], "invalid-manifest"],
    ["a page of HTML", () => [{ "content-type": "text/html" }, Buffer.from("<html>")], "digest-mismatch"],
    ["5 MiB", () => [{ "content-type": OCI_MANIFEST }, Buffer.alloc(5 * 1024 * 1024, " ")], "too-large"],
  ])("a manifest with %s is refused", async (_, make, code) => {
    const { manifestBytes, manifestDigest } = await plugin();
    const { address } = await serve(cleanup, (_request, response) => {
      const [headers, body] = make(Buffer.from(manifestBytes), manifestDigest);
      response.writeHead(200, headers).end(body);
    });
    const reference = { ...parseReference(`${address}/p`), digest: manifestDigest };
    await expect(clientFor(address).pullManifest(reference)).rejects.toMatchObject({ code });
  });

  test("a moved digest is noticed at HEAD", async () => {
    const { address } = await serve(cleanup, (_request, response) => {
      const headers = {
        "content-type": OCI_MANIFEST,
        "docker-content-digest": digestOf(noise(9)),
        "content-length": 9,
      };
      response.writeHead(200, headers).end();
    });
    const reference = { ...parseReference(`${address}/p`), digest: blob.digest };
    await expect(clientFor(address).resolve(reference)).rejects.toMatchObject({ code: "digest-mismatch" });
  });

  test.each<[string, Uint8Array, string]>([
    ["other bytes of the same length", noise(1_000, 2), "digest-mismatch"],
    ["more bytes", noise(1_001), "digest-mismatch"],
    ["fewer bytes", noise(999), "unavailable"],
    ["nothing", new Uint8Array(0), "unavailable"],
  ])("a blob with %s is refused", async (_, sent, code) => {
    for (const chunked of [false, true]) {
      const { address } = await serve(cleanup, (_request, response) => {
        response.writeHead(200, chunked ? { "transfer-encoding": "chunked" } : { "content-length": sent.byteLength });
        response.end(sent);
      });
      const pull = clientFor(address).pullBlob(parseReference(`${address}/p`), blob);
      await expect(pull).rejects.toMatchObject({ code, message: expect.stringContaining(blob.digest) });
    }
  });

  test("a connection that breaks in the middle is tried again", async () => {
    const { address, requests } = await serve(cleanup, (_request, response, count) => {
      response.writeHead(200, { "content-length": bytes.byteLength });
      if (count < 3) response.write(bytes.subarray(0, 500), () => response.destroy());
      else response.end(bytes);
    });
    const pulled = await clientFor(address).pullBlob(parseReference(`${address}/p`), blob);
    expect(digestOf(pulled)).toBe(blob.digest);
    expect(requests).toHaveLength(3);
  });

  test.each([
    ["/v2/p/blobs/uploads/1?_state=a%2Fb%3D&x=+y", "/v2/p/blobs/uploads/1?_state=a%2Fb%3D&x=+y&digest="],
    ["/elsewhere/2", "/elsewhere/2?digest="],
    ["3", "/v2/p/blobs/uploads/3?digest="],
  ])("an upload goes to the Location %s to the letter", async (location, expected) => {
    const { address, requests } = await serve(cleanup, ({ method }, response) => {
      if (method === "POST") response.writeHead(202, { location }).end();
      else response.writeHead(method === "HEAD" ? 404 : 201).end();
    });
    await clientFor(address).pushBlob(parseReference(`${address}/p`), bytes);
    const put = requests[2];
    expect(put).toMatchObject({ method: "PUT", url: expected + encodeURIComponent(blob.digest) });
    expect(put?.headers["content-type"]).toBe("application/octet-stream");
    expect(put?.headers["content-length"]).toBe("1000");
    expect(digestOf(put?.body ?? new Uint8Array())).toBe(blob.digest);
  });

  test("an upload that was lost starts again; one that arrived after all is not sent twice", async () => {
    let stored = false;
    const { address, requests } = await serve(cleanup, ({ method, url }, response, count) => {
      if (method === "HEAD") response.writeHead(stored ? 200 : 404).end();
      else if (method === "POST") response.writeHead(202, { location: `/up/${count}` }).end();
      else if (url.startsWith("/up/2")) response.writeHead(404).end();
      else {
        stored = true;
        response.destroy();
      }
    });
    const pushed = await clientFor(address).pushBlob(parseReference(`${address}/p`), bytes);
    expect(pushed).toEqual({ ...blob, skipped: true });
    expect(requests.map(({ method }) => method)).toEqual(["HEAD", "POST", "PUT", "HEAD", "POST", "PUT", "HEAD"]);
  });

  test("an answer without Location is an error of the registry", async () => {
    const { address } = await serve(cleanup, ({ method }, response) => {
      response.writeHead(method === "POST" ? 202 : 404).end();
    });
    await expect(clientFor(address).pushBlob(parseReference(`${address}/p`), bytes)).rejects.toMatchObject({
      code: "protocol",
    });
  });

  test("tags: a page at another server is not asked for", async () => {
    const other = await serve(cleanup, (_request, response) => response.writeHead(200).end('{"tags":[]}'));
    const { address } = await serve(cleanup, (_request, response) => {
      const link = `<http://${other.address}/v2/p/tags/list>; rel="next"`;
      response.writeHead(200, { link }).end('{"tags":["a"]}');
    });
    const tags = clientFor(address, other.address).tags(parseReference(`${address}/p`));
    await expect(tags).rejects.toMatchObject({ code: "protocol", message: expect.stringContaining(other.address) });
    expect(other.requests).toHaveLength(0);
  });

  test("tags: endless pages, null, nonsense", async () => {
    const bodies: [Record<string, string>, string, unknown][] = [
      [{ link: '<?last=a>; rel="next"' }, '{"tags":["a"]}', "too-large"],
      [{}, '{"name":"p","tags":null}', []],
      [{ link: '<?last=a>; rel="prev"' }, '{"tags":["b","a"]}', ["a", "b"]],
      [{}, '{"tags":["a/b"]}', "protocol"],
      [{}, "{}", "protocol"],
      [{}, "<html>", "protocol"],
    ];
    for (const [headers, body, expected] of bodies) {
      const { address } = await serve(cleanup, (_request, response) => response.writeHead(200, headers).end(body));
      const tags = clientFor(address).tags(parseReference(`${address}/p`));
      if (typeof expected === "string") await expect(tags, body).rejects.toMatchObject({ code: expected });
      else expect(await tags).toEqual(expected);
    }
  });
});
