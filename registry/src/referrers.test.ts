import { afterEach, describe, expect, test } from "vitest";
import { createCleanup, noise, serve, startOldRegistry, startRegistry, wasmModule } from "../test/fixtures.js";
import { copyImage } from "./copy.js";
import { digestOf } from "./digest.js";
import { OCI_EMPTY, OCI_INDEX, OCI_MANIFEST } from "./media-types.js";
import { packPlugin } from "./pack-plugin.js";
import { pullPlugin } from "./pull-plugin.js";
import { pushPlugin } from "./push-plugin.js";
import { parseReference, type Reference } from "./reference.js";
import { fallbackTag } from "./referrers.js";
import { createRegistryClient, type RegistryClient } from "./remote.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const REGISTRIES = [
  ["with the referrers API", startRegistry],
  ["without it", startOldRegistry],
] as const;
const EMPTY = Buffer.from("{}");

const clientFor = (address: string): RegistryClient =>
  createRegistryClient({ plainHttp: [address], retry: { baseDelayMs: 1, maxRetries: 2 } });

interface Pushed {
  readonly client: RegistryClient;
  readonly reference: Reference;
  readonly digest: string;
}

async function pushOne(address: string): Promise<Pushed> {
  const client = clientFor(address);
  const reference = parseReference(`${address}/team/p:v1`);
  const { digest } = await pushPlugin(
    client,
    reference,
    await packPlugin({ wasm: wasmModule(), pluginYaml: "name: p" }),
  );
  await client.pushBlob(reference, EMPTY);
  return { client, reference, digest };
}

function about(subject: string, n: number, change: Record<string, unknown> = {}): Uint8Array {
  const empty = { mediaType: OCI_EMPTY, digest: digestOf(EMPTY), size: EMPTY.byteLength };
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: "application/x",
    config: empty,
    layers: [empty],
    subject: { mediaType: OCI_MANIFEST, digest: subject, size: 1 },
    annotations: { n: String(n) },
    ...change,
  };
  return Buffer.from(JSON.stringify(manifest));
}

describe.each(REGISTRIES)("a registry %s", (_, start) => {
  test("referrers are pushed, found once, and deleted", async () => {
    const { client, reference, digest } = await pushOne(await start(cleanup));
    expect(await client.referrers(reference, digest)).toEqual([]);
    const bytes = about(digest, 1);
    const { digest: one } = await client.pushReferrer(reference, bytes);
    expect(one).toBe(digestOf(bytes));
    await client.pushReferrer(reference, bytes);
    const { digest: two } = await client.pushReferrer(reference, about(digest, 2, { artifactType: "" }));
    const found = [...(await client.referrers(reference, digest))].sort((a) => (a.digest === one ? -1 : 1));
    expect(found).toEqual([
      {
        mediaType: OCI_MANIFEST,
        digest: one,
        size: bytes.byteLength,
        artifactType: "application/x",
        annotations: { n: "1" },
      },
      expect.objectContaining({ digest: two, artifactType: OCI_EMPTY }),
    ]);
    await client.deleteReferrer(reference, digest, one);
    expect((await client.referrers(reference, digest)).map((entry) => entry.digest)).toEqual([two]);
    await expect(client.referrers(reference, "sha256:x")).rejects.toMatchObject({ code: "invalid-reference" });
    await expect(client.pushReferrer(reference, about(digest, 1, { subject: undefined }))).rejects.toMatchObject({
      code: "invalid-manifest",
    });
  });

  test("many who attach at the same time all get in", async () => {
    const address = await start(cleanup);
    const { client, reference, digest } = await pushOne(address);
    const bytes = Array.from({ length: 6 }, (_, n) => about(digest, n));
    await Promise.all(bytes.map((manifest) => clientFor(address).pushReferrer(reference, manifest)));
    const found = (await client.referrers(reference, digest)).map((entry) => entry.digest).sort();
    expect(found).toEqual(bytes.map((manifest) => digestOf(manifest)).sort());
  });

  test("an image is copied with what is about it, and what is about that", async () => {
    const { client, reference, digest } = await pushOne(await start(cleanup));
    const { digest: one } = await client.pushReferrer(reference, about(digest, 1));
    await client.pushReferrer(reference, about(one, 2));
    const other = await start(cleanup);
    const both = createRegistryClient({ plainHttp: [reference.registry, other] });
    for (const target of [parseReference(`${reference.registry}/copies/p:v1`), parseReference(`${other}/q:v2`)]) {
      expect(await copyImage(both, reference, target)).toEqual({ digest, referrers: 2 });
      expect(await pullPlugin(both, target)).toMatchObject({ digest });
      expect((await both.referrers(target, digest)).map((entry) => entry.digest)).toEqual([one]);
      expect(await both.referrers(target, one)).toHaveLength(1);
    }
    await expect(copyImage(both, reference, { ...reference, digest: one })).rejects.toMatchObject({
      code: "digest-mismatch",
    });
    await both.delete({ ...reference, digest });
    await expect(client.resolve(reference)).rejects.toMatchObject({ code: "not-found" });
    await both.delete({ ...reference, digest });
  });
});

test("a fallback tag that is not an index of referrers says nothing", async () => {
  const address = await startOldRegistry(cleanup);
  const { client, reference, digest } = await pushOne(address);
  const { bytes } = await client.pullManifest(reference);
  await client.pushManifest({ ...reference, tag: fallbackTag(digest) }, bytes, OCI_MANIFEST);
  expect(await client.referrers(reference, digest)).toEqual([]);
});

test.each([
  [`sha256:${"a".repeat(64)}`, `sha256-${"a".repeat(64)}`],
  [`sha512:${"b".repeat(128)}`, `sha512-${"b".repeat(64)}`],
  [`${"x+y".repeat(20)}:c!`, `${"x-y".repeat(10)}x--c-`],
])("the fallback tag of %s", (digest, tag) => {
  expect(fallbackTag(digest)).toBe(tag);
});

test("pages of referrers are followed, at the same server only", async () => {
  const entry = (n: number) => ({ mediaType: OCI_MANIFEST, digest: digestOf(Buffer.from(String(n))), size: n });
  const server = await serve(cleanup, ({ url }, response) => {
    const page = Number(new URL(url, "http://x").searchParams.get("page") ?? 0);
    const next = page === 0 ? "?page=1" : page === 1 ? "http://127.0.0.2:1/elsewhere" : undefined;
    response.writeHead(200, { "content-type": OCI_INDEX, ...(next ? { link: `<${next}>; rel="next"` } : {}) });
    response.end(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry(page)] }));
  });
  const repository = { registry: server.address, repository: "p" };
  await expect(clientFor(server.address).referrers(repository, digestOf(EMPTY))).rejects.toMatchObject({
    code: "protocol",
    message: expect.stringContaining("another server"),
  });
  expect(server.requests).toHaveLength(2);
});

describe("a transfer that breaks", () => {
  const content = noise(50_000);
  const digest = digestOf(content);

  async function pull(
    answers: (range: string | undefined, count: number) => { status: number; body: Uint8Array; range?: string },
  ) {
    const server = await serve(cleanup, ({ headers }, response, count) => {
      const { status, body, range } = answers(headers.range, count);
      const whole = status === 206 ? content.length - Number(/bytes (\d+)-/.exec(range ?? "")?.[1]) : content.length;
      response.writeHead(status, { "content-length": whole, ...(range ? { "content-range": range } : {}) });
      if (body.length === whole) response.end(body);
      else response.write(body, () => response.destroy());
    });
    const repository = { registry: server.address, repository: "p" };
    const bytes = await clientFor(server.address).pullBlob(repository, { digest, size: content.length });
    expect(Buffer.from(bytes).equals(content)).toBe(true);
    return server.requests.map(({ headers }) => headers.range);
  }

  test("goes on where it ended", async () => {
    const ranges = await pull((range, count) => {
      const start = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
      const rest = content.subarray(start);
      const status = range === undefined ? 200 : 206;
      const body = count < 3 ? rest.subarray(0, 20_000) : rest;
      return { status, body, range: `bytes ${start}-${content.length - 1}/${content.length}` };
    });
    expect(ranges[0]).toBeUndefined();
    expect(ranges.length).toBe(3);
    expect(ranges.slice(1).every((range) => /^bytes=\d+-$/.test(range ?? ""))).toBe(true);
  });

  test("begins anew where the registry knows no ranges, or sends another part", async () => {
    const plain = await pull((_, count) => ({ status: 200, body: count < 2 ? content.subarray(0, 9) : content }));
    expect(plain).toEqual([undefined, "bytes=9-"]);
    const other = await pull((range, count) =>
      range === undefined
        ? { status: 200, body: count < 2 ? content.subarray(0, 9) : content }
        : { status: 206, body: content.subarray(5), range: `bytes 5-${content.length - 1}/${content.length}` },
    );
    expect(other).toEqual([undefined, "bytes=9-", undefined]);
  });

  test("begins anew where the parts do not fit together", async () => {
    const ranges = await pull((range, count) =>
      range === undefined
        ? { status: 200, body: count < 2 ? new Uint8Array(9) : content }
        : { status: 206, body: content.subarray(9), range: `bytes 9-${content.length - 1}/${content.length}` },
    );
    expect(ranges).toEqual([undefined, "bytes=9-", undefined]);
  });
});
