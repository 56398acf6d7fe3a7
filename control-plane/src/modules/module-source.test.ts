import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CredentialSource,
  createRegistryClient,
  packPlugin,
  parseReference,
  pushPlugin,
  RegistryError,
} from "@weft/registry";
import { createRegistryServer, type RegistryServer } from "@weft/registry/server";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mkPlugin } from "../../../test/builders.js";
import { createTestRegistryClient } from "../../../test/registry-client.js";
import { moduleWith, variant } from "../../../test/wasm-bytes.js";
import { failureOf } from "./failure.js";
import { createModuleCache } from "./module-cache.js";
import { ModuleError } from "./module-file.js";
import type { ModuleImage } from "./module-image.js";
import { createModuleSource, type ModuleSource } from "./module-source.js";
import type { ModulePeers } from "./peers.js";
import { OWN_ACCESS, type RegistryAccess } from "./registry-access.js";

const WASM = moduleWith(["proxy_abi_version_0_2_1"]);
const SHA256 = createHash("sha256").update(WASM).digest("hex");
const signal = new AbortController().signal;

let dir: string;
let folder: string;
let registry: RegistryServer;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "weft-source-"));
  folder = join(dir, "folder");
  await mkdir(join(folder, "plugins"), { recursive: true });
  registry = await createRegistryServer({ dir: join(dir, "registry") });
});
afterEach(async () => {
  await registry.close(0);
  await rm(dir, { recursive: true, force: true });
});

const clientOf = (credentials?: CredentialSource) => createTestRegistryClient(registry.address, credentials);
const sourceOf = (over: { folder?: string; peers?: ModulePeers } = {}): ModuleSource =>
  createModuleSource({
    createClient: clientOf,
    cache: createModuleCache({ dir: join(dir, "cache"), maxBytes: 1e6 }),
    onCacheProblem: (error) => expect.fail(String(error)),
    ...over,
  });

describe("a module in a file", () => {
  const pull = async (url: string, over: { sha256?: string } = {}, maxModuleBytes = 1_000) => {
    const source = sourceOf({ folder });
    const plugin = mkPlugin("p", { url, limits: { maxModuleBytes }, ...over });
    return source.pull(plugin, await source.resolve(plugin, OWN_ACCESS, signal), OWN_ACCESS, signal);
  };

  beforeEach(async () => {
    await writeFile(join(folder, "plugins", "a.wasm"), WASM);
    await writeFile(join(dir, "secret.wasm"), WASM);
    await mkdir(join(dir, "folder-beside"));
    await writeFile(join(dir, "folder-beside", "b.wasm"), WASM);
    await symlink(join(dir, "secret.wasm"), join(folder, "plugins", "link.wasm"));
    await symlink(dir, join(folder, "up"));
    await symlink(join(folder, "plugins", "a.wasm"), join(folder, "inside.wasm"));
    await symlink(join(folder, "nowhere"), join(folder, "dangling.wasm"));
  });

  it.each([
    "file://plugins/a.wasm",
    "file:///plugins/a.wasm",
    "file://./plugins/../plugins/a.wasm",
    "file://inside.wasm",
  ])("is read below the folder: %s", async (url) => {
    expect(await pull(url)).toMatchObject({ digest: `sha256:${SHA256}`, wasmSha256: SHA256 });
  });

  it.each([
    ["file://../secret.wasm", "outside-folder"],
    ["file://plugins/../../secret.wasm", "outside-folder"],
    ["file://../folder-beside/b.wasm", "outside-folder"],
    ["file://../does-not-exist.wasm", "outside-folder"],
    ["file://plugins/link.wasm", "outside-folder"],
    ["file://up/secret.wasm", "outside-folder"],
    ["file://up/folder-beside/b.wasm", "outside-folder"],
    ["file://", "outside-folder"],
    ["file://plugins/none.wasm", "not-found"],
    ["file://plugins/a.wasm/b.wasm", "not-found"],
    ["file://dangling.wasm", "not-found"],
    ["file://plugins", "not-found"],
  ])("is refused: %s is %s", async (url, code) => {
    const error = await pull(url).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ModuleError);
    expect(error).toMatchObject({ code, message: expect.stringContaining(url) });
  });

  it("may be named by a hash, which must be its own", async () => {
    expect(await pull("file://plugins/a.wasm", { sha256: SHA256 })).toMatchObject({ wasmSha256: SHA256 });
    await expect(pull("file://plugins/a.wasm", { sha256: "0".repeat(64) })).rejects.toMatchObject({
      code: "digest-mismatch",
    });
  });

  it("has a limit of size", async () => {
    await expect(pull("file://plugins/a.wasm", {}, WASM.length - 1)).rejects.toMatchObject({ code: "too-large" });
    expect(await pull("file://plugins/a.wasm", {}, WASM.length)).toBeDefined();
  });

  it("may be named with spaces or dots", async () => {
    await writeFile(join(folder, "..a b.wasm"), WASM);
    expect(await pull("file://..a b.wasm")).toMatchObject({ wasmSha256: SHA256 });
  });

  it("cannot be had without a folder", async () => {
    await expect(
      sourceOf().resolve(mkPlugin("p", { url: "file://plugins/a.wasm" }), OWN_ACCESS, signal),
    ).rejects.toMatchObject({
      code: "outside-folder",
    });
  });
});

describe("a module in a registry", () => {
  const push = async (wasm = WASM, tag = "1") =>
    (
      await pushPlugin(
        clientOf(),
        parseReference(`${registry.address}/plugins/p:${tag}`),
        await packPlugin({ wasm, pluginYaml: "name: p\nrootId: p\n" }),
      )
    ).digest;
  const plugin = (over = {}) => mkPlugin("p", { url: `oci://${registry.address}/plugins/p:1`, ...over });

  it("is what the tag says, or what the digest says whatever the tag does", async () => {
    const first = await push();
    expect(await sourceOf().resolve(plugin(), OWN_ACCESS, signal)).toBe(first);
    const second = await push(variant(WASM, "2"));
    expect(second).not.toBe(first);
    expect(await sourceOf().resolve(plugin(), OWN_ACCESS, signal)).toBe(second);
    expect(await sourceOf().resolve(plugin({ sha256: first.slice(7) }), OWN_ACCESS, signal)).toBe(first);
  });

  it("is pulled once, and then taken from the cache without the registry", async () => {
    const digest = await push();
    const pulled = await sourceOf().pull(plugin(), digest, OWN_ACCESS, signal);
    expect(pulled).toMatchObject({ digest, wasmSha256: SHA256, pluginYaml: "name: p\nrootId: p\n" });
    await registry.close(0);
    const again = await sourceOf().pull(plugin(), digest, OWN_ACCESS, signal);
    expect(Buffer.from(again.wasm).equals(WASM)).toBe(true);
    await expect(sourceOf().resolve(plugin(), OWN_ACCESS, signal)).rejects.toBeInstanceOf(RegistryError);
  });

  it("has a limit of size", async () => {
    const digest = await push();
    const small = plugin({ limits: { maxModuleBytes: 10 } });
    await expect(sourceOf().pull(small, digest, OWN_ACCESS, signal)).rejects.toMatchObject({ code: "too-large" });
    await sourceOf().pull(plugin(), digest, OWN_ACCESS, signal);
    await expect(sourceOf().pull(small, digest, OWN_ACCESS, signal)).rejects.toMatchObject({
      code: "too-large",
    });
  });

  it("that is not there is a failure with the step, the reason and what to do", async () => {
    const error = await sourceOf()
      .resolve(plugin(), OWN_ACCESS, signal)
      .catch((caught: unknown) => caught);
    expect(failureOf(error)).toMatchObject({ stage: "Resolved", reason: "NotFound" });
    expect(failureOf(error).message).toContain("plugins/p");
  });
});

describe("a private image", () => {
  const PASSWORDS: Readonly<Record<string, string>> = { ada: "correct: horse", bob: "battery" };
  const SECRET = "plugins/secret";
  let port: number;
  beforeEach(async () => {
    await registry.close(0);
    registry = await createRegistryServer({
      dir: join(dir, "registry"),
      authentication: { scheme: "basic", verify: async (user, password) => PASSWORDS[user] === password },
    });
    port = registry.port;
  });

  const as = (user: string, password = PASSWORDS[user] ?? ""): RegistryAccess => ({
    identity: `default/${user}`,
    dockerConfig: JSON.stringify({ auths: { [registry.address]: { username: user, password } } }),
  });
  const wanted = () => mkPlugin("p", { url: `oci://${registry.address}/${SECRET}:1` });
  const push = async () => {
    const credentials: CredentialSource = async () => ({ kind: "basic", username: "ada", password: PASSWORDS.ada! });
    const reference = parseReference(`${registry.address}/${SECRET}:1`);
    const artifact = await packPlugin({ wasm: WASM, pluginYaml: "name: p\nrootId: p\n" });
    return (await pushPlugin(clientOf(credentials), reference, artifact)).digest;
  };

  it("is had by those whose Secret lets them, from the cache too", async () => {
    const digest = await push();
    const source = sourceOf();
    expect(await source.resolve(wanted(), as("ada"), signal)).toBe(digest);
    expect(await source.pull(wanted(), digest, as("ada"), signal)).toMatchObject({ wasmSha256: SHA256 });
    expect(await source.pull(wanted(), digest, as("bob"), signal)).toMatchObject({ wasmSha256: SHA256 });
  });

  it.each<[string, () => RegistryAccess]>([
    ["no credentials", () => OWN_ACCESS],
    ["a wrong password", () => as("ada", "guess")],
    ["credentials of another registry", () => ({ identity: "default/x", dockerConfig: '{"auths":{"ghcr.io":{}}}' })],
  ])("is not had from the cache with %s", async (_name, access) => {
    const digest = await push();
    const source = sourceOf();
    await source.pull(wanted(), digest, as("ada"), signal);
    await expect(source.pull(wanted(), digest, access(), signal)).rejects.toMatchObject({ code: "unauthorized" });
    await expect(sourceOf().pull(wanted(), digest, access(), signal)).rejects.toMatchObject({ code: "unauthorized" });
  });

  it("is not had from the cache by its digest in another repository", async () => {
    const digest = await push();
    const source = sourceOf();
    await source.pull(wanted(), digest, as("ada"), signal);
    const elsewhere = mkPlugin("p", { url: `oci://${registry.address}/plugins/mine:1` });
    await expect(source.pull(elsewhere, digest, as("ada"), signal)).rejects.toMatchObject({ code: "not-found" });
  });

  it("is had while the registry is away by those who had it before, and by nobody else", async () => {
    const digest = await push();
    const ada = as("ada");
    const bob = as("bob");
    await sourceOf().pull(wanted(), digest, ada, signal);
    await registry.close(0);
    expect(await sourceOf().pull(wanted(), digest, ada, signal)).toMatchObject({ wasmSha256: SHA256 });
    await expect(sourceOf().pull(wanted(), digest, bob, signal)).rejects.toMatchObject({ code: "unavailable" });
    registry = await createRegistryServer({ dir: join(dir, "registry"), port });
  });

  describe("that a sister replica has", () => {
    const asked: string[] = [];
    const sister = (image: ModuleImage | undefined): ModulePeers => ({
      find: async (digest, _maxBytes, accept) => {
        asked.push(digest);
        return image && accept(image);
      },
    });
    /** What the sister would have of the image that is pushed. */
    const imageOf = async (): Promise<ModuleImage> => {
      const { manifest, manifestBytes, layer } = await packPlugin({ wasm: WASM, pluginYaml: "name: p\nrootId: p\n" });
      return [Buffer.from(manifest.mediaType), manifestBytes, layer.bytes];
    };
    beforeEach(() => void asked.splice(0));

    it("is had from her by those whom the registry lets, and then from the cache", async () => {
      const digest = await push();
      const source = sourceOf({ peers: sister(await imageOf()) });
      expect(await source.pull(wanted(), digest, as("ada"), signal)).toMatchObject({ digest, wasmSha256: SHA256 });
      expect(await source.pull(wanted(), digest, as("ada"), signal)).toMatchObject({ wasmSha256: SHA256 });
      expect(asked).toEqual([digest]);
    });

    it("is pulled where she has it not", async () => {
      const digest = await push();
      const source = sourceOf({ peers: sister(undefined) });
      expect(await source.pull(wanted(), digest, as("ada"), signal)).toMatchObject({ wasmSha256: SHA256 });
      expect(asked).toEqual([digest]);
    });

    it("is not asked for by whom the registry does not let", async () => {
      const digest = await push();
      const source = sourceOf({ peers: sister(await imageOf()) });
      const pulled = source.pull(wanted(), digest, as("ada", "guess"), signal);
      await expect(pulled).rejects.toMatchObject({ code: "unauthorized" });
      await registry.close(0);
      await expect(source.pull(wanted(), digest, as("ada"), signal)).rejects.toMatchObject({ code: "unavailable" });
      expect(asked).toEqual([]);
      registry = await createRegistryServer({ dir: join(dir, "registry"), port });
    });

    it("is had without a registry where it was in force for the plugin, and kept", async () => {
      const digest = await push();
      await registry.close(0);
      const source = sourceOf({ peers: sister(await imageOf()) });
      expect(await source.nearby(wanted(), digest, as("ada"), signal)).toMatchObject({ wasmSha256: SHA256 });
      expect(await sourceOf().nearby(wanted(), digest, as("ada"), signal)).toMatchObject({ wasmSha256: SHA256 });
      expect(await sourceOf().pull(wanted(), digest, as("ada"), signal)).toMatchObject({ wasmSha256: SHA256 });
      registry = await createRegistryServer({ dir: join(dir, "registry"), port });
    });
  });

  it("needs a Secret that can be read; the error does not quote it", async () => {
    const digest = await push();
    const broken: RegistryAccess = { identity: "default/x", dockerConfig: '{"auths":"top secret"}' };
    const error = await sourceOf()
      .pull(wanted(), digest, broken, signal)
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "invalid-credentials" });
    expect(String(error)).toContain("Secret default/x");
    expect(String(error)).not.toContain("top secret");
  });

  it("says which Secret has no credentials for the registry", async () => {
    await push();
    const other: RegistryAccess = { identity: "default/x", dockerConfig: '{"auths":{}}' };
    const error = await sourceOf()
      .resolve(wanted(), other, signal)
      .catch((caught: unknown) => caught);
    expect(failureOf(error).message).toContain("Secret default/x has no credentials for");
  });
});

it("what a registry wants people to know is told with the plugin that it was asked for, once", async () => {
  const said: string[] = [];
  const deprecated = '299 - "this image is deprecated"';
  const source = createModuleSource({
    createClient: (_credentials, onWarning) =>
      createRegistryClient({
        onWarning,
        plainHttp: [registry.address],
        retry: { maxRetries: 0 },
        fetch: async (url, init) => {
          const { status, headers, body } = await fetch(url, init);
          return new Response(body, { status, headers: [...headers, ["warning", deprecated]] });
        },
      }),
    cache: createModuleCache({ dir: join(dir, "cache"), maxBytes: 1e6 }),
    onCacheProblem: (error) => expect.fail(String(error)),
    onWarning: (plugin, { registry: from, text }) => said.push(`${plugin} ${from} ${text}`),
  });
  const reference = parseReference(`${registry.address}/plugins/p:1`);
  await pushPlugin(clientOf(), reference, await packPlugin({ wasm: WASM, pluginYaml: "name: p\nrootId: p\n" }));
  const wanted = ["one", "two"].map((name) => mkPlugin(name, { url: `oci://${registry.address}/plugins/p:1` }));
  for (const plugin of wanted) await source.resolve(plugin, OWN_ACCESS, signal);
  expect(said).toEqual([`default/one ${registry.address} this image is deprecated`]);
});

describe("failureOf", () => {
  it.each<[unknown, object]>([
    [new RegistryError("digest-mismatch", "m"), { stage: "Verified", reason: "DigestMismatch", message: "m" }],
    [
      new RegistryError("unauthorized", "m", { hint: "log in" }),
      { stage: "Resolved", reason: "Unauthorized", message: "m; log in" },
    ],
    [new ModuleError("outside-folder", "m"), { stage: "Resolved", reason: "OutsideFolder", message: "m" }],
    [new Error("no space left"), { stage: "Resolved", reason: "Unavailable", message: "no space left" }],
    ["thrown text", { stage: "Resolved", reason: "Unavailable", message: "thrown text" }],
  ])("of %s is %j", (error, expected) => {
    expect(failureOf(error)).toEqual(expected);
  });
});
