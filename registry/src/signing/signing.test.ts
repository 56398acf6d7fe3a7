import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { createCleanup, noise, startOldRegistry, startRegistry, wasmModule } from "../../test/fixtures.js";
import { copyImage } from "../copy.js";
import { digestOf } from "../digest.js";
import { OCI_EMPTY, OCI_MANIFEST } from "../media-types.js";
import { packPlugin } from "../pack-plugin.js";
import { pushPlugin } from "../push-plugin.js";
import { parseReference, type Reference } from "../reference.js";
import { createRegistryClient, type RegistryClient } from "../remote.js";
import { BUNDLE_TYPE, checkBundle, makeBundle, preAuthEncoding } from "./bundle.js";
import { generateKeyPair, loadSigningKey, loadVerificationKey, type SigningKey } from "./key.js";
import { type SignatureForm, signImage } from "./sign-image.js";
import { signatureTag } from "./simple-signing.js";
import { verifyImage } from "./verify-image.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

const REGISTRIES = [
  ["with the referrers API", startRegistry],
  ["without it", startOldRegistry],
] as const;
const FORMS: readonly SignatureForm[] = ["bundle", "tag"];
const pemOf = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();

async function newKey(): Promise<SigningKey> {
  return loadSigningKey(pemOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey), undefined, "test");
}

interface Place {
  readonly client: RegistryClient;
  readonly reference: Reference;
  readonly digest: string;
}

async function pushOne(address: string, seed = 1, tag = "v1"): Promise<Place> {
  const client = createRegistryClient({ plainHttp: [address], retry: { baseDelayMs: 1, maxRetries: 2 } });
  const reference = parseReference(`${address}/team/p:${tag}`);
  const artifact = await packPlugin({ wasm: wasmModule(noise(100, seed)), pluginYaml: "name: p" });
  const { digest } = await pushPlugin(client, reference, artifact);
  return { client, reference, digest };
}

describe.each(REGISTRIES)("in a registry %s", (_, start) => {
  test.each(FORMS)("a signature as %s holds for its image and its key only", async (form) => {
    const address = await start(cleanup);
    const { client, reference, digest } = await pushOne(address);
    const [ours, theirs] = [await newKey(), await newKey()];
    const verify = (of: string, ...keys: SigningKey[]) =>
      verifyImage(
        client,
        reference,
        of,
        keys.map(({ publicKey }) => publicKey),
      );
    expect(await verify(digest, ours)).toEqual({ ok: false, problems: [] });
    expect(await signImage(client, reference, ours, { form })).toEqual({ digest });
    const signed = { ok: true, signatures: [{ form, key: ours.publicKey.hint }] };
    expect(await verify(digest, ours)).toEqual(signed);
    expect(await verify(digest, theirs, ours)).toEqual(signed);
    expect(await verify(digest, theirs)).toEqual({ ok: false, problems: [expect.stringMatching(/another key/)] });

    const other = await pushOne(address, 2, "v2");
    expect(await verify(other.digest, ours)).toEqual({ ok: false, problems: [] });
    const copy = parseReference(`${address}/copies/p:v1`);
    await copyImage(client, reference, copy);
    expect(await verifyImage(client, copy, digest, [ours.publicKey])).toEqual(signed);
  });

  test("two who sign at the same time are both heard", async () => {
    const address = await start(cleanup);
    const { client, reference, digest } = await pushOne(address);
    const keys = await Promise.all([newKey(), newKey(), newKey()]);
    await Promise.all(keys.flatMap((key) => FORMS.map((form) => signImage(client, reference, key, { form }))));
    for (const key of keys) {
      const found = await verifyImage(client, reference, digest, [key.publicKey]);
      expect(found.ok && found.signatures.map((s) => s.form).sort()).toEqual(["bundle", "tag"]);
    }
  });
});

test("what is broken beside a signature does not hide it", async () => {
  const { client, reference, digest } = await pushOne(await startRegistry(cleanup));
  const key = await newKey();
  const bad = Buffer.from("not a bundle");
  for (const bytes of [bad, Buffer.from("{}")]) await client.pushBlob(reference, bytes);
  const referrer = (layers: unknown[]) =>
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: { mediaType: OCI_EMPTY, digest: digestOf(Buffer.from("{}")), size: 2 },
        layers,
        subject: { mediaType: OCI_MANIFEST, digest, size: 1 },
      }),
    );
  const layer = { mediaType: BUNDLE_TYPE, digest: digestOf(bad), size: bad.length };
  await client.pushReferrer(reference, referrer([layer]));
  await client.pushReferrer(reference, referrer([]));
  const claims = await verifyImage(client, reference, digest, [key.publicKey]);
  expect(claims).toEqual({ ok: false, problems: ["a bundle has no signed envelope"] });
  await signImage(client, reference, key);
  expect((await verifyImage(client, reference, digest, [key.publicKey])).ok).toBe(true);
});

describe("bundles", () => {
  const digest = digestOf(Buffer.from("image"));

  test("are refused when anything in them is changed", async () => {
    const key = await newKey();
    const bytes = makeBundle(digest, key);
    const check = (changed: unknown) => checkBundle(Buffer.from(JSON.stringify(changed)), digest, [key.publicKey]);
    const bundle = JSON.parse(Buffer.from(bytes).toString()) as {
      dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string }[] };
    };
    const { dsseEnvelope: envelope } = bundle;
    expect(check(bundle)).toEqual({ ok: true, key: key.publicKey });
    const otherImage = JSON.parse(Buffer.from(envelope.payload, "base64").toString()) as { subject: unknown };
    const payload = Buffer.from(JSON.stringify({ ...otherImage, predicate: { a: 1 } })).toString("base64");
    for (const change of [
      { payload },
      { payloadType: "text/plain" },
      { signatures: [] },
      { signatures: [...envelope.signatures, ...envelope.signatures] },
      { signatures: [{ sig: "AAAA" }] },
      { signatures: [{ sig: 1 }] },
    ])
      expect(check({ dsseEnvelope: { ...envelope, ...change } }).ok).toBe(false);
    expect(check(null).ok).toBe(false);
    expect(checkBundle(bytes, digestOf(Buffer.from("other")), [key.publicKey])).toEqual({
      ok: false,
      problem: "it signs another image",
    });
  });

  test("that our key signed but that say something else are no signatures", async () => {
    const key = await newKey();
    const statement = {
      predicateType: "https://slsa.dev/provenance/v1",
      subject: [{ digest: { sha256: digest.slice(7) } }],
    };
    const payload = Buffer.from(JSON.stringify(statement));
    const type = "application/vnd.in-toto+json";
    const sig = Buffer.from(key.sign(preAuthEncoding(type, payload))).toString("base64");
    const dsseEnvelope = { payload: payload.toString("base64"), payloadType: type, signatures: [{ sig }] };
    expect(checkBundle(Buffer.from(JSON.stringify({ dsseEnvelope })), digest, [key.publicKey])).toEqual({
      ok: false,
      problem: 'a statement of type "https://slsa.dev/provenance/v1" is no signature',
    });
  });
});

describe("keys", () => {
  test.each([
    ["ECDSA P-256", generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey],
    ["ECDSA P-384", generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey],
    ["ECDSA P-521", generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey],
    ["RSA 2048", generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey],
    ["Ed25519", generateKeyPairSync("ed25519").privateKey],
  ])("of %s sign and verify", async (_, privateKey) => {
    const key = await loadSigningKey(pemOf(privateKey), undefined, "k");
    const again = loadVerificationKey(key.publicKey.pem, "k.pub");
    expect(again.hint).toBe(key.publicKey.hint);
    const message = Buffer.from("message");
    const signature = key.sign(message);
    expect(again.verify(message, signature)).toBe(true);
    expect(again.verify(Buffer.from("other"), signature)).toBe(false);
    expect(again.verify(message, Buffer.alloc(0))).toBe(false);
  });

  test("a pair is made in cosign's encrypted form, and opened with its password only", async () => {
    const pair = await generateKeyPair("pass");
    expect(pair.privateKey).toMatch(/^-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n/);
    const key = await loadSigningKey(pair.privateKey, "pass", "cosign.key");
    expect(loadVerificationKey(pair.publicKey, "cosign.pub").hint).toBe(key.publicKey.hint);
    const older = pair.privateKey.replaceAll("SIGSTORE", "COSIGN");
    expect((await loadSigningKey(older, "pass", "k")).publicKey.hint).toBe(key.publicKey.hint);
    await expect(loadSigningKey(pair.privateKey, "wrong", "cosign.key")).rejects.toMatchObject({
      code: "invalid-key",
      message: "the key cosign.key cannot be used: the password is wrong, or the key is damaged",
    });
    await expect(loadSigningKey(pair.privateKey, undefined, "cosign.key")).rejects.toThrow(
      /encrypted, and there is no/,
    );
  });

  test.each<[string, unknown, RegExp]>([
    ["other parameters", { kdf: { name: "scrypt", params: { N: 2 ** 40, r: 8, p: 1 } } }, /out of bounds/],
    ["another function", { kdf: { name: "pbkdf2" } }, /not encrypted with scrypt/],
    ["a short nonce", { cipher: { name: "nacl/secretbox", nonce: "AAAA" } }, /nonce/],
  ])("an encrypted key with %s is refused", async (_, change, message) => {
    const sane = { kdf: { name: "scrypt", params: { N: 1024, r: 8, p: 1 }, salt: "" }, ciphertext: "" };
    const cipher = { name: "nacl/secretbox", nonce: Buffer.alloc(24).toString("base64") };
    const body = Buffer.from(JSON.stringify({ ...sane, cipher, ...(change as object) })).toString("base64");
    const pem = `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n${body}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----`;
    await expect(loadSigningKey(pem, "x", "k")).rejects.toThrow(message);
  });

  test("weak, odd and swapped keys are refused", async () => {
    const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
    await expect(loadSigningKey(pemOf(weak), undefined, "k")).rejects.toThrow(/2048/);
    const odd = generateKeyPairSync("x25519").privateKey;
    await expect(loadSigningKey(pemOf(odd), undefined, "k")).rejects.toThrow(/x25519/);
    await expect(loadSigningKey("junk", undefined, "k")).rejects.toThrow(/no private key/);
    expect(() => loadVerificationKey(pemOf(odd), "k")).toThrow(/private key; give the public one/);
    expect(() => loadVerificationKey("junk", "k")).toThrow(/no public key/);
  });
});

test("the tag of a signature is the digest's", () => {
  expect(signatureTag("sha256:ab")).toBe("sha256-ab.sig");
});
