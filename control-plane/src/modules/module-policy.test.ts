import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generateKeyPair, loadSigningKey, type SigningKey } from "@weft/registry";
import { limitMemory } from "@weft/sdk/host";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { KEY, LIMIT, useModules } from "../../../test/modules-fixture.js";
import { variant } from "../../../test/wasm-bytes.js";
import type { PluginPolicy } from "../model/mesh-config.js";
import { type ServedPlugin, servedPlugin } from "../model/module-state.js";
import type { PluginVerification } from "../model/verification.js";

const mesh = useModules();
const { push, plugin, sign, start, registryBack } = mesh;

let ours: SigningKey;
let theirs: SigningKey;
beforeAll(async () => {
  [ours, theirs] = await Promise.all([newKey(), newKey()]);
});

async function newKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair("pass");
  return loadSigningKey(privateKey, "pass", "test");
}
const inline = (...keys: SigningKey[]) =>
  keys.map(({ publicKey }) => ({ kind: "inline", pem: publicKey.pem }) as const);
const wanting = (...keys: SigningKey[]): { verification: PluginVerification } => ({
  verification: { required: true, keys: inline(...keys) },
});
const policy = (over: Partial<PluginPolicy["verification"]>, rest: Partial<PluginPolicy> = {}) => ({
  policy: { verification: { required: true, keys: inline(ours), repositories: [], ...over }, ...rest },
});
const withoutBytes = ({ wasm: _, ...rest }: ServedPlugin): ServedPlugin => rest;

describe("a plugin that must be signed", () => {
  it("is refused without a signature, and served by itself once it is signed", async () => {
    const digest = await push(mesh.hello);
    const run = start({ [KEY]: plugin(wanting(ours)) });
    const { failure, digest: refused } = await run.failed("NoSignature");
    expect(failure).toMatchObject({ stage: "Verified", nextAttempt: expect.any(String) });
    expect(refused).toBe(digest);
    expect(run.proven).toEqual([]);
    await sign(ours);
    expect((await run.ready(digest)).verified).toEqual({ keys: [ours.publicKey.hint], warnings: [], beyond: [] });
  });

  it("is refused with a signature by another key", async () => {
    await push(mesh.hello);
    await sign(theirs);
    const run = start({ [KEY]: plugin(wanting(ours)) });
    expect((await run.failed("UnknownKey")).failure.message).toContain("another key");
  });

  it("keeps its last good version when the tag moves to what is not signed", async () => {
    const first = await push(mesh.hello);
    await sign(ours);
    const run = start({ [KEY]: plugin({ ...wanting(ours), imagePullPolicy: "Always" }) });
    const before = await run.ready(first);
    const second = await push(variant(mesh.hello, "2"));
    expect(await run.failed("NoSignature")).toMatchObject({ digest: second, lastGood: before });
    await sign(ours);
    await run.ready(second);
  });

  it("is verified anew when its keys change, also where it is served already", async () => {
    await push(mesh.hello);
    await sign(ours);
    const run = start({ [KEY]: plugin(wanting(ours)) });
    const before = await run.ready();
    run.reconcile({ [KEY]: plugin(wanting(theirs)) });
    expect((await run.failed("UnknownKey")).lastGood).toBe(before);
    await sign(theirs);
    run.reconcile({ [KEY]: plugin(wanting(theirs, ours)) });
    expect((await run.ready()).version).toBe(before.version);
  });

  it("takes its key from a Secret, also one that comes later", async () => {
    await push(mesh.hello);
    await sign(ours);
    const verification = { required: true, keys: [{ kind: "secret", name: "keys", entry: "cosign.pub" }] } as const;
    const wanted = { [KEY]: plugin({ verification }) };
    const run = start(wanted);
    await run.failed("KeyNotFound");
    const secret = { namespace: "default", name: "keys", publicKeys: { "cosign.pub": ours.publicKey.pem } };
    run.reconcile(wanted, { secrets: [secret] });
    await run.ready();
  });

  it("says what is wrong with a key", async () => {
    await push(mesh.hello);
    const pem = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    const run = start({ [KEY]: plugin({ verification: { required: true, keys: [{ kind: "inline", pem }] } }) });
    expect((await run.failed("InvalidKey")).failure.message).toContain("spec.verification.keys[0]");
  });

  it("is served with a warning where it may do without, until it is signed", async () => {
    await push(mesh.hello);
    const run = start({ [KEY]: plugin({ verification: { required: false, keys: inline(ours) } }) });
    const { version, verified } = await run.ready();
    expect(verified).toMatchObject({ keys: [], warnings: [{ reason: "NoSignature" }] });
    await sign(ours);
    await vi.waitFor(() => {
      const served = servedPlugin(run.states.get(KEY));
      expect(served).toMatchObject({ version, verified: { keys: [ours.publicKey.hint], warnings: [] } });
    }, LIMIT);
    expect(run.proven).toHaveLength(1);
  });

  it("cannot be a file", async () => {
    await mkdir(join(mesh.dir, "folder"));
    await writeFile(join(mesh.dir, "folder", "p.wasm"), mesh.hello);
    const run = start({ [KEY]: plugin({ ...wanting(ours), url: "file://p.wasm", rootId: "hello" }) });
    await run.failed("NoSignature");
  });
});

describe("the registry away, or the control plane started anew", () => {
  const signedBefore = async () => {
    const digest = await push(mesh.hello);
    await sign(ours);
    const wanted = plugin({ ...wanting(ours), sha256: digest.slice(7) });
    const served = await start({ [KEY]: wanted }).ready(digest);
    mesh.closeModules();
    await mesh.registry.close(0);
    return { wanted, lastGood: withoutBytes(served) };
  };

  it("what was verified stays so by the key that is remembered", async () => {
    const { wanted, lastGood } = await signedBefore();
    const run = start({ [KEY]: wanted }, { [KEY]: { lastGood, rejected: [] } });
    expect((await run.ready()).verified.keys).toEqual([ours.publicKey.hint]);
    await registryBack();
  });

  it("another key that is wanted meanwhile cannot be checked, and the last good version stays", async () => {
    const { wanted, lastGood } = await signedBefore();
    const run = start({ [KEY]: { ...wanted, ...wanting(theirs) } }, { [KEY]: { lastGood, rejected: [] } });
    const state = await run.failed("Unavailable");
    expect(state.lastGood?.version).toBe(lastGood.version);
    await registryBack();
    await run.failed("UnknownKey");
  });
});

describe("the policy of the mesh", () => {
  it("wants a signature of every plugin, by its own keys", async () => {
    await push(mesh.hello);
    await sign(theirs);
    const run = start({ [KEY]: plugin(wanting(theirs)) }, {}, policy({}));
    expect((await run.failed("UnknownKey")).failure.message).toContain("MeshConfig weft-system/default");
    await sign(ours);
    expect((await run.ready()).verified.keys).toEqual([ours.publicKey.hint, theirs.publicKey.hint].sort());
  });

  it("concerns the repositories that it names", async () => {
    await push(mesh.hello);
    const others = policy({ repositories: ["ghcr.io/**"] });
    const run = start({ [KEY]: plugin() }, {}, others);
    await run.ready();
    run.reconcile({ [KEY]: plugin() }, policy({ repositories: [`${mesh.registry.address}/plugins/*`] }));
    await run.failed("NoSignature");
    run.reconcile({ [KEY]: plugin() }, others);
    await run.ready();
  });

  it.each<[string, Partial<PluginPolicy>, string]>([
    ["registries", { registries: ["ghcr.io"] }, "RegistryNotAllowed"],
    ["digests", { requireDigest: true }, "DigestRequired"],
  ])("about %s is kept without a word to the registry, or warned of", async (_name, over, reason) => {
    await push(mesh.hello);
    await mesh.registry.close(0);
    const run = start({ [KEY]: plugin() }, {}, { policy: over });
    const { failure } = await run.failed(reason);
    expect(failure).toMatchObject({ stage: "Verified" });
    expect(failure.nextAttempt).toBeUndefined();
    await registryBack();
    run.reconcile({ [KEY]: plugin() }, { policy: { ...over, mode: "warn" } });
    expect((await run.ready()).verified.warnings).toMatchObject([{ reason }]);
  });

  it("that only warns lets pass what is not signed, and says so", async () => {
    await push(mesh.hello);
    const run = start({ [KEY]: plugin() }, {}, policy({}, { mode: "warn" }));
    expect((await run.ready()).verified.warnings).toMatchObject([{ reason: "NoSignature" }]);
  });

  it("cuts what a plugin may call, and refuses to leave it nothing", async () => {
    await push(mesh.hello);
    const run = start({ [KEY]: plugin() });
    const before = await run.ready();
    expect(before.capabilities).toEqual(expect.arrayContaining(["proxy_log", "proxy_on_response_headers"]));
    const functions = before.capabilities.filter((name) => !name.startsWith("proxy_on_") && name !== "proxy_log");
    run.reconcile({ [KEY]: plugin() }, { policy: { capabilities: functions } });
    await vi.waitFor(() => {
      expect(run.states.get(KEY)).toMatchObject({ kind: "ready", served: { verified: { beyond: ["proxy_log"] } } });
    }, LIMIT);
    const after = servedPlugin(run.states.get(KEY));
    expect(after?.capabilities).not.toContain("proxy_log");
    expect(after?.version).not.toBe(before.version);
    run.reconcile({ [KEY]: plugin() }, { policy: { capabilities: [] } });
    expect((await run.failed("NoCapabilities")).lastGood).toBe(after);
  });
});

describe("the limits of a plugin", () => {
  it("are written into its module, and may change without a pull of another image", async () => {
    await push(mesh.hello);
    const run = start({ [KEY]: plugin() });
    const before = await run.ready();
    expect(before.wasm).toEqual(limitMemory(mesh.hello, 32 * 1024 * 1024));
    expect(before.servedSha256).not.toBe(before.wasmSha256);
    for (const memoryBytes of [64 * 1024 * 1024, 1024 * 1024]) {
      run.reconcile({ [KEY]: plugin({ limits: { memoryBytes } }) });
      await vi.waitFor(() => expect(servedPlugin(run.states.get(KEY))?.memoryBytes).toBe(memoryBytes), LIMIT);
      const after = servedPlugin(run.states.get(KEY));
      expect(after?.wasm).toEqual(limitMemory(mesh.hello, memoryBytes));
      expect(after?.wasmSha256).toBe(before.wasmSha256);
    }
  });

  it("are told where a module begins above them, or is larger", async () => {
    await push(mesh.hello);
    const run = start({ [KEY]: plugin({ limits: { memoryBytes: 0 } }) });
    expect((await run.failed("MemoryLimit")).failure.stage).toBe("Validated");
    run.reconcile({ [KEY]: plugin({ limits: { maxModuleBytes: 100 } }) });
    expect((await run.failed("TooLarge")).failure.message).toContain("limits.maxModuleSize");
  });

  it("survive a restart with an empty cache: the same bytes are made again", async () => {
    const digest = await push(mesh.hello);
    const wanted = plugin({ limits: { memoryBytes: 2 * 1024 * 1024 }, env: { A: "b" } });
    const served = await start({ [KEY]: wanted }).ready(digest);
    mesh.closeModules();
    await rm(join(mesh.dir, "cache"), { recursive: true, force: true });
    const run = start({ [KEY]: wanted }, { [KEY]: { lastGood: withoutBytes(served), rejected: [] } });
    expect(await run.ready()).toEqual(served);
    expect(run.proven).toEqual([]);
  });
});

describe("a pull secret", () => {
  const PASSWORD = "correct: horse";
  const secret = (username: string) => ({
    namespace: "default",
    name: "pull",
    publicKeys: {},
    dockerConfig: JSON.stringify({ auths: { [mesh.registry.address]: { username, password: PASSWORD } } }),
  });

  it("is what a private image is pulled with; without it, or with a wrong one, it is not had", async () => {
    await mesh.registry.close(0);
    const verify = async (user: string, password: string) => user === "ada" && password === PASSWORD;
    await registryBack({ authentication: { scheme: "token", verify } });
    const as = async () => ({ kind: "basic", username: "ada", password: PASSWORD }) as const;
    await push(mesh.hello, { as });
    const wanted = { [KEY]: plugin({ imagePullSecret: "pull" }), "default/other": plugin({ name: "other" }) };
    const run = start(wanted);
    expect((await run.failed("SecretNotFound")).failure.stage).toBe("Resolved");
    await run.failed("Unauthorized", "default/other");
    run.reconcile(wanted, { secrets: [secret("eve")] });
    await run.failed("Unauthorized");
    run.reconcile(wanted, { secrets: [secret("ada")] });
    await run.ready();
    await run.failed("Unauthorized", "default/other");
  });
});

it("needs no Envoy for its pre-flight", async () => {
  await push(mesh.hello);
  const run = start({ [KEY]: plugin() }, {}, { envoy: false });
  await run.ready();
  run.reconcile({ [KEY]: plugin({ config: '{"nme":1}' }) });
  expect((await run.failed("ConfigureFailed")).failure.message).toContain("nme");
});
