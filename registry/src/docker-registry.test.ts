import { hash } from "bcryptjs";
import { afterEach, describe, expect, test } from "vitest";
import { findDockerRegistry, startDockerRegistry, startTokenServer } from "../test/docker-registry.js";
import { createCleanup, noise, startRegistry, wasmModule } from "../test/fixtures.js";
import { TEST_TLS } from "../test/test-certificate.js";
import { copyImage } from "./copy.js";
import type { Credentials } from "./credentials.js";
import { packPlugin } from "./pack-plugin.js";
import { pullPlugin } from "./pull-plugin.js";
import { pushPlugin } from "./push-plugin.js";
import { parseReference } from "./reference.js";
import { fallbackTag } from "./referrers.js";
import { createRegistryClient } from "./remote.js";
import { generateKeyPair, loadSigningKey } from "./signing/key.js";
import { type SignatureForm, signImage } from "./signing/sign-image.js";
import { verifyImage } from "./signing/verify-image.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

// Without the referrers API, deletion of tags and sha512, as many registries still are.
const reason =
  findDockerRegistry() === undefined ? " (skipped: no docker-registry; WEFT_DOCKER_REGISTRY names one)" : "";
const ME = { kind: "basic", username: "me", password: "secret" } as const;
const RETRY = { baseDelayMs: 1, maxRetries: 1 };
const plugin = (name = "p") => packPlugin({ wasm: wasmModule(noise(20_000)), pluginYaml: `name: ${name}\n` });

describe.skipIf(reason !== "")(`Docker's registry 2.8${reason}`, () => {
  test("a plugin is pushed, found, pulled, mounted and deleted", async () => {
    const address = await startDockerRegistry(cleanup);
    const client = createRegistryClient({ plainHttp: [address], retry: RETRY });
    const reference = parseReference(`${address}/team/p:v1`);
    const artifact = await plugin();
    await client.ping(address);
    await expect(client.resolve(reference)).rejects.toMatchObject({ code: "not-found" });
    const { digest } = await pushPlugin(client, reference, artifact);
    expect(digest).toBe(artifact.manifestDigest);
    expect(await client.resolve(reference)).toMatchObject({ digest, size: artifact.manifestBytes.length });
    expect(await pullPlugin(client, reference)).toMatchObject({ digest, wasmSha256: artifact.wasmSha256 });
    expect(await pushPlugin(client, { ...reference, tag: "v2" }, artifact)).toMatchObject({ blobsSkipped: 2 });
    expect(await client.tags(reference)).toEqual(["v1", "v2"]);

    const { bytes } = artifact.layer;
    const copy = parseReference(`${address}/other/p`);
    expect(await client.pushBlob(copy, bytes, { mountFrom: "team/p" })).toMatchObject({ skipped: true });
    expect(await client.hasBlob(copy, artifact.layer.descriptor.digest)).toBe(true);

    await client.delete({ ...reference, digest });
    await expect(client.resolve({ ...reference, digest })).rejects.toMatchObject({ code: "not-found" });
  });

  test.each<SignatureForm>(["bundle", "tag"])("a signature as %s is stored, found and copied", async (form) => {
    const address = await startDockerRegistry(cleanup);
    const modern = await startRegistry(cleanup);
    const client = createRegistryClient({ plainHttp: [address, modern], retry: RETRY });
    const reference = parseReference(`${address}/team/p:v1`);
    const { digest } = await pushPlugin(client, reference, await plugin());
    const key = await loadSigningKey((await generateKeyPair("")).privateKey, "", "key");
    expect(await verifyImage(client, reference, digest, [key.publicKey])).toEqual({ ok: false, problems: [] });
    await signImage(client, reference, key, { form });
    const expected = { ok: true, signatures: [{ form, key: key.publicKey.hint }] };
    expect(await verifyImage(client, reference, digest, [key.publicKey])).toEqual(expected);
    const tag = form === "bundle" ? fallbackTag(digest) : `${fallbackTag(digest)}.sig`;
    expect(await client.tags(reference)).toEqual([tag, "v1"].sort());

    // From the old to the new and back, where the list is made anew.
    const there = parseReference(`${modern}/q:v1`);
    await copyImage(client, reference, there);
    expect(await verifyImage(client, there, digest, [key.publicKey])).toEqual(expected);
    const back = parseReference(`${address}/back/p:v1`);
    await copyImage(client, there, back);
    expect(await verifyImage(client, back, digest, [key.publicKey])).toEqual(expected);
  });

  test("two signers at once are both heard, and one of their signatures can be deleted", async () => {
    const address = await startDockerRegistry(cleanup);
    const client = createRegistryClient({ plainHttp: [address], retry: RETRY });
    const reference = parseReference(`${address}/team/p:v1`);
    const { digest } = await pushPlugin(client, reference, await plugin());
    const pairs = await Promise.all([generateKeyPair(""), generateKeyPair("")]);
    const keys = await Promise.all(pairs.map(({ privateKey }) => loadSigningKey(privateKey, "", "key")));
    await Promise.all(keys.map((key) => signImage(client, reference, key)));
    for (const { publicKey } of keys)
      expect(await verifyImage(client, reference, digest, [publicKey])).toMatchObject({ ok: true });
    const [first, second] = await client.referrers(reference, digest);
    await client.deleteReferrer(reference, digest, first?.digest ?? "");
    expect(await client.referrers(reference, digest)).toEqual([second]);
  });

  test("passwords are asked for by Basic authentication", async () => {
    const htpasswd = `me:${(await hash("secret", 4)).replace("$2b$", "$2y$")}\n`;
    const address = await startDockerRegistry(cleanup, { htpasswd });
    const reference = parseReference(`${address}/team/p:v1`);
    const as = (credentials?: Credentials) =>
      createRegistryClient({ plainHttp: [address], retry: RETRY, credentials: async () => credentials });
    const artifact = await plugin();
    await expect(pushPlugin(as(), reference, artifact)).rejects.toMatchObject({ code: "unauthorized" });
    await expect(pushPlugin(as({ ...ME, password: "wrong" }), reference, artifact)).rejects.toMatchObject({
      code: "unauthorized",
      message: expect.not.stringContaining("wrong"),
    });
    await pushPlugin(as(ME), reference, artifact);
    expect(await pullPlugin(as(ME), reference)).toMatchObject({ digest: artifact.manifestDigest });
    await expect(pullPlugin(as(), reference)).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("tokens are fetched for what is done, anew when they end, and the password stays at their server", async () => {
    const { realm, address: tokenServer, requests } = await startTokenServer(cleanup, 1);
    const address = await startDockerRegistry(cleanup, { realm });
    const plainHttp = [address, tokenServer];
    const me = createRegistryClient({ plainHttp, retry: RETRY, credentials: async () => ME });
    const nobody = createRegistryClient({ plainHttp, retry: RETRY });
    const reference = parseReference(`${address}/team/p:v1`);
    const artifact = await plugin();
    await expect(pushPlugin(nobody, reference, artifact)).rejects.toMatchObject({ code: "unauthorized" });
    await pushPlugin(me, reference, artifact);
    const key = await loadSigningKey((await generateKeyPair("")).privateKey, "", "key");
    await signImage(me, reference, key);
    const before = requests.length;
    expect(await pullPlugin(nobody, reference)).toMatchObject({ digest: artifact.manifestDigest });
    expect(await pullPlugin(me, reference)).toMatchObject({ digest: artifact.manifestDigest });
    expect(await verifyImage(me, reference, artifact.manifestDigest, [key.publicKey])).toMatchObject({ ok: true });
    expect(requests.length).toBeGreaterThan(before);
    const wrong = createRegistryClient({
      plainHttp,
      retry: RETRY,
      credentials: async () => ({ ...ME, password: "x" }),
    });
    await expect(pullPlugin(wrong, reference)).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("TLS with an authority of its own", async () => {
    const address = await startDockerRegistry(cleanup, { tls: true });
    const reference = parseReference(`${address}/p:v1`);
    const registries = { [address]: { ca: TEST_TLS.certificate } };
    const client = createRegistryClient({ registries, retry: RETRY });
    const { digest } = await pushPlugin(client, reference, await plugin());
    expect(await pullPlugin(client, reference)).toMatchObject({ digest });
    await expect(createRegistryClient({ retry: RETRY }).resolve(reference)).rejects.toMatchObject({
      code: "unavailable",
    });
  });
});
