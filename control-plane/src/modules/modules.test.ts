import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistryClient, packPlugin, parseReference, pushPlugin } from "@weft/registry";
import { createRegistryServer, type RegistryServer } from "@weft/registry/server";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";
import { mkPlugin } from "../../../test/builders.js";
import { envoyPath } from "../../../test/envoy-static.js";
import { SECTION, section, variant, wasm as wasmBytes } from "../../../test/wasm-bytes.js";
import { decodePluginManifest } from "../decode/plugin-manifest.js";
import type { ModuleState, ServedPlugin } from "../model/module-state.js";
import { servedPlugin } from "../model/module-state.js";
import type { Plugin } from "../model/plugin.js";
import { createModuleCache } from "./module-cache.js";
import { createModuleSource } from "./module-source.js";
import { createModules, type Modules, type RememberedModule } from "./modules.js";
import { preflight } from "./preflight.js";

const KEY = "default/hello";
const MANIFEST = "name: hello\nrootId: hello\nsdk: {name: '@weft/sdk'}\n";
const POLL_MS = 30;
const LIMIT = { timeout: 100_000, interval: 10 };

let hello: Uint8Array;
beforeAll(async () => {
  hello = (await buildPlugin("hello")).wasm;
});

let dir: string;
let registry: RegistryServer;
const opened: Modules[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "weft-modules-"));
  registry = await createRegistryServer({ dir: join(dir, "registry") });
});
afterEach(async () => {
  for (const modules of opened.splice(0)) modules.close();
  await registry.close(0);
  await rm(dir, { recursive: true, force: true });
});

const clientOf = () =>
  createRegistryClient({ plainHttp: [registry.address], retry: { maxRetries: 0 }, timeoutMs: 30_000 });
/** The registry at the same address, with what it had. */
const registryBack = async () => {
  registry = await createRegistryServer({ dir: join(dir, "registry"), port: registry.port });
};
/** Puts a module under a tag; returns the digest of its image. */
const push = async (wasm: Uint8Array, { tag = "1", manifest = MANIFEST } = {}) => {
  const reference = parseReference(`${registry.address}/plugins/hello:${tag}`);
  return (await pushPlugin(clientOf(), reference, await packPlugin({ wasm, pluginYaml: manifest }))).digest;
};
const plugin = (over: Partial<Plugin> = {}): Plugin =>
  mkPlugin("hello", { url: `oci://${registry.address}/plugins/hello:1`, ...over });
const moving = (over: Partial<Plugin> = {}) => plugin({ imagePullPolicy: "Always", ...over });

/** The modules of a control plane that begins with what is remembered, and everything that they said. */
function start(plugins: Readonly<Record<string, Plugin>>, remembered: Readonly<Record<string, RememberedModule>> = {}) {
  const states = new Map<string, ModuleState | undefined>();
  const history: (ModuleState | undefined)[] = [];
  const proven: string[] = [];
  const resolved: string[] = [];
  const source = createModuleSource({
    client: clientOf(),
    cache: createModuleCache({ dir: join(dir, "cache"), maxBytes: 1e8 }),
    onCacheProblem: (error) => expect.fail(String(error)),
    folder: join(dir, "folder"),
    maxModuleBytes: 1e6,
  });
  const modules = createModules({
    source: {
      ...source,
      resolve(wanted, signal) {
        resolved.push(wanted.name);
        return source.resolve(wanted, signal);
      },
    },
    preflight(key, served) {
      proven.push(served.version);
      return preflight(key, served, { envoyPath: envoyPath(), timeoutMs: 100_000 });
    },
    decodeManifest: decodePluginManifest,
    maxModuleBytes: 1e6,
    pollIntervalMs: POLL_MS,
    remembered: new Map(Object.entries(remembered)),
    onChange(changes) {
      for (const [key, state] of changes) {
        states.set(key, state);
        if (key === KEY) history.push(state);
      }
    },
  });
  opened.push(modules);
  const reconcile = (wanted: Readonly<Record<string, Plugin>>) => modules.reconcile(new Map(Object.entries(wanted)));
  reconcile(plugins);

  const failed = (reason: string, key = KEY) =>
    vi.waitFor(() => {
      const state = states.get(key);
      expect(state).toMatchObject({ kind: "failed", failure: { reason } });
      return state as Extract<ModuleState, { kind: "failed" }>;
    }, LIMIT);
  const ready = (digest?: string, key = KEY) =>
    vi.waitFor(() => {
      const state = states.get(key);
      expect(state).toMatchObject({ kind: "ready", ...(digest === undefined ? {} : { served: { digest } }) });
      return (state as Extract<ModuleState, { kind: "ready" }>).served;
    }, LIMIT);
  /** Returns when the tag has been looked at so many times more. */
  const looks = (count: number) => {
    const wanted = resolved.length + count;
    return vi.waitFor(() => expect(resolved.length).toBeGreaterThanOrEqual(wanted), LIMIT);
  };
  return { modules, states, history, proven, reconcile, failed, ready, looks };
}

const withoutBytes = ({ wasm: _, ...rest }: ServedPlugin): ServedPlugin => rest;

describe("a plugin in the registry", () => {
  it("is pending, then ready with its manifest", async () => {
    const digest = await push(hello);
    const mesh = start({ [KEY]: plugin() });
    expect(mesh.states.get(KEY)).toEqual({ kind: "pending", message: "waiting for the registry" });
    const served = await mesh.ready();
    expect(served).toMatchObject({
      digest,
      rootId: "hello",
      config: "{}",
      manifest: { name: "hello", builtWithSdk: true },
    });
    expect(Buffer.from(served.wasm ?? []).equals(hello)).toBe(true);
    expect(mesh.proven).toEqual([served.version]);
    expect(mesh.history.map((state) => state?.kind)).toEqual(["pending", "ready"]);
  });

  it("is taken anew when its tag moves, if it is to be looked at again", async () => {
    const first = await push(variant(hello, "1"));
    const mesh = start({ [KEY]: moving(), "default/still": plugin({ name: "still" }) });
    const before = await mesh.ready(first);
    await mesh.ready(first, "default/still");
    const second = await push(variant(hello, "2"));
    const after = await mesh.ready(second);
    expect(after.version).not.toBe(before.version);
    expect(after.vmId).toBe(before.vmId);
    await mesh.looks(3);
    expect(servedPlugin(mesh.states.get("default/still"))?.digest).toBe(first);
  });

  it("says nothing while its tag stays, and going back takes no proof", async () => {
    const first = await push(variant(hello, "1"));
    const mesh = start({ [KEY]: moving() });
    await mesh.ready(first);
    await mesh.looks(4);
    expect(mesh.history).toHaveLength(2);
    await mesh.ready(await push(variant(hello, "2")));
    await push(variant(hello, "1"));
    await mesh.ready(first);
    expect(mesh.proven).toHaveLength(2);
  });

  it("has several at a time, each by itself", async () => {
    const digest = await push(hello);
    const names = Array.from({ length: 5 }, (_, n) => `p${n}`);
    const mesh = start({
      ...Object.fromEntries(names.map((name) => [`default/${name}`, plugin({ name })])),
      "default/none": plugin({ name: "none", url: `oci://${registry.address}/plugins/none:1` }),
    });
    for (const name of names) await mesh.ready(digest, `default/${name}`);
    await mesh.failed("NotFound", "default/none");
  });
});

describe("what is wrong with a plugin is said, and what was good stays in force", () => {
  it("for a configuration that the plugin refuses; it is proven once, and going back takes no proof", async () => {
    await push(hello);
    const good = plugin();
    const mesh = start({ [KEY]: good });
    const before = await mesh.ready();
    const bad = plugin({ config: '{"name":7}' });
    mesh.reconcile({ [KEY]: bad });
    const state = await mesh.failed("ConfigureFailed");
    expect(state.failure.stage).toBe("Validated");
    expect(state.failure.message).toContain("name");
    expect(state.failure.nextAttempt).toBeUndefined();
    expect(state.lastGood).toBe(before);
    expect(mesh.proven).toHaveLength(2);

    mesh.reconcile({ [KEY]: good });
    expect(await mesh.ready()).toBe(before);
    mesh.reconcile({ [KEY]: bad });
    await mesh.failed("ConfigureFailed");
    expect(mesh.proven).toHaveLength(2);
  });

  it("for a configuration that does not fit the schema in the image, without asking Envoy", async () => {
    const schema = "configSchema: {type: object, properties: {name: {type: string}}, additionalProperties: false}\n";
    await push(hello, { manifest: MANIFEST + schema });
    const mesh = start({ [KEY]: plugin({ config: '{"nmae":"x"}' }) });
    expect((await mesh.failed("InvalidConfig")).failure.message).toContain("nmae");
    expect(mesh.proven).toEqual([]);
  });

  it("for a refused version that is looked at again and again: proven once, said once", async () => {
    await push(hello);
    const mesh = start({ [KEY]: moving({ config: '{"name":7}' }) });
    await mesh.failed("ConfigureFailed");
    await mesh.looks(4);
    expect(mesh.proven).toHaveLength(1);
    expect(mesh.history.map((state) => state?.kind)).toEqual(["pending", "failed"]);
  });

  it.each<[string, () => Uint8Array, string, string]>([
    ["module", () => wasmBytes(section(SECTION.start, [0])), MANIFEST, "StartSection"],
    ["manifest", () => hello, "name: hello\nrootId: hello\nside: left\n", "InvalidManifest"],
    ["requirement", () => hello, `${MANIFEST}requires: [gold]\n`, "InvalidManifest"],
  ])("for a %s that cannot be used", async (_part, wasm, manifest, reason) => {
    const first = await push(hello);
    const mesh = start({ [KEY]: moving() });
    const before = await mesh.ready(first);
    const digest = await push(wasm(), { manifest });
    expect(await mesh.failed(reason)).toMatchObject({ digest, failure: { stage: "Verified" }, lastGood: before });
    const third = await push(variant(hello, "3"));
    await mesh.ready(third);
  });

  it("for a tag that is not there yet, and is tried again", async () => {
    const mesh = start({ [KEY]: plugin() });
    const { failure } = await mesh.failed("NotFound");
    expect(failure.stage).toBe("Resolved");
    expect(Date.parse(failure.nextAttempt ?? "")).toBeGreaterThan(0);
    await mesh.ready(await push(hello));
  });
});

describe("without the registry", () => {
  it("a new plugin fails, says when it is tried again, and becomes ready by itself", async () => {
    const digest = await push(hello);
    await registry.close(0);
    const mesh = start({ [KEY]: plugin() });
    const { failure, lastGood } = await mesh.failed("Unavailable");
    expect(failure.nextAttempt).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(lastGood).toBeUndefined();
    await registryBack();
    await mesh.ready(digest);
  });

  it("a changed plugin keeps its last good version until the registry is back", async () => {
    await push(hello);
    const second = await push(variant(hello, "2"), { tag: "2" });
    const mesh = start({ [KEY]: plugin() });
    const before = await mesh.ready();
    await registry.close(0);
    mesh.reconcile({ [KEY]: plugin({ url: `oci://${registry.address}/plugins/hello:2` }) });
    expect((await mesh.failed("Unavailable")).lastGood).toBe(before);
    await registryBack();
    await mesh.ready(second);
  });

  it("a change of the configuration alone takes no pull, only a look at the tag", async () => {
    const digest = await push(hello);
    const mesh = start({ [KEY]: plugin({ sha256: digest.slice(7) }) });
    await mesh.ready();
    await registry.close(0);
    mesh.reconcile({ [KEY]: plugin({ sha256: digest.slice(7), config: '{"name":"new"}' }) });
    await vi.waitFor(() => expect(servedPlugin(mesh.states.get(KEY))?.config).toBe('{"name":"new"}'), LIMIT);
  });
});

describe("a plugin that is gone", () => {
  it("is forgotten, and is another when it comes back", async () => {
    await push(hello);
    const mesh = start({ [KEY]: moving() });
    const { version } = await mesh.ready();
    mesh.reconcile({});
    expect(mesh.states.get(KEY)).toBeUndefined();
    expect(mesh.history.at(-1)).toBeUndefined();
    mesh.modules.reject(KEY, version, "too late");
    expect(mesh.modules.rejected(KEY)).toEqual([]);
    mesh.reconcile({ [KEY]: plugin() });
    expect(mesh.states.get(KEY)).toMatchObject({ kind: "pending" });
    await mesh.ready();
  });

  it("says nothing any more, even in the middle of its proof", async () => {
    await push(hello);
    const mesh = start({ [KEY]: plugin(), "default/other": plugin({ name: "other" }) });
    await vi.waitFor(() => expect(mesh.proven.length).toBeGreaterThan(0), LIMIT);
    mesh.reconcile({ "default/other": plugin({ name: "other" }) });
    await mesh.ready(undefined, "default/other");
    expect(mesh.history.at(-1)).toBeUndefined();
  });
});

describe("a version that a proxy refused", () => {
  /** Two versions that were good, one after the other. */
  const two = async () => {
    const first = await push(variant(hello, "1"));
    const mesh = start({ [KEY]: moving() });
    const v1 = await mesh.ready(first);
    const second = await push(variant(hello, "2"));
    const v2 = await mesh.ready(second);
    return { mesh, v1, v2 };
  };

  it("is taken back to the one before it, and never proven or served again", async () => {
    const { mesh, v1, v2 } = await two();
    mesh.modules.reject(KEY, v2.version, "Unable to create Wasm plugin");
    expect(mesh.states.get(KEY)).toEqual({
      kind: "failed",
      failure: { stage: "Validated", reason: "RejectedByProxy", message: "Unable to create Wasm plugin" },
      digest: v2.digest,
      lastGood: v1,
    });
    await mesh.looks(4);
    expect(servedPlugin(mesh.states.get(KEY))).toBe(v1);
    expect(mesh.states.get(KEY)).toMatchObject({ failure: { reason: "RejectedByProxy" } });
    expect(mesh.proven).toEqual([v1.version, v2.version]);
    expect(mesh.modules.rejected(KEY)).toEqual([{ version: v2.version, message: "Unable to create Wasm plugin" }]);
  });

  it("gives way to the next version", async () => {
    const { mesh, v2 } = await two();
    mesh.modules.reject(KEY, v2.version, "no");
    await mesh.ready(await push(variant(hello, "3")));
  });

  it("leaves nothing to serve when there was none before it", async () => {
    await push(hello);
    const mesh = start({ [KEY]: plugin() });
    const { version } = await mesh.ready();
    mesh.modules.reject(KEY, version, "no");
    expect(mesh.states.get(KEY)).toMatchObject({ kind: "failed", failure: { reason: "RejectedByProxy" } });
    expect(servedPlugin(mesh.states.get(KEY))).toBeUndefined();
  });

  it("is not what another refused one goes back to", async () => {
    const { mesh, v1, v2 } = await two();
    mesh.modules.reject(KEY, v2.version, "no");
    mesh.modules.reject(KEY, v1.version, "no");
    expect(servedPlugin(mesh.states.get(KEY))).toBeUndefined();
  });

  it("is not gone back to when it was refused late", async () => {
    const { mesh, v1, v2 } = await two();
    const v3 = await mesh.ready(await push(variant(hello, "3")));
    mesh.modules.reject(KEY, v2.version, "late");
    expect(servedPlugin(mesh.states.get(KEY))).toBe(v3);
    mesh.modules.reject(KEY, v3.version, "no");
    expect(servedPlugin(mesh.states.get(KEY))).toBe(v1);
  });

  it("is refused once, however many proxies say so", async () => {
    const { mesh, v2 } = await two();
    const before = mesh.history.length;
    for (const proxy of ["a", "b", "c"]) mesh.modules.reject(KEY, v2.version, `refused by ${proxy}`);
    expect(mesh.modules.rejected(KEY)).toEqual([{ version: v2.version, message: "refused by a" }]);
    expect(mesh.history).toHaveLength(before + 1);
  });

  it("is known after a restart", async () => {
    const { v1, v2 } = await two();
    const rejected = [{ version: v2.version, message: "no" }];
    const mesh = start({ [KEY]: moving() }, { [KEY]: { lastGood: v1, rejected } });
    await mesh.failed("RejectedByProxy");
    expect(servedPlugin(mesh.states.get(KEY))).toBe(v1);
    expect(mesh.proven).toEqual([]);
    expect(mesh.modules.rejected(KEY)).toEqual(rejected);
  });

  it("is no last good version after a restart", async () => {
    const { v2 } = await two();
    const rejected = [{ version: v2.version, message: "no" }];
    const mesh = start({ [KEY]: moving() }, { [KEY]: { lastGood: v2, rejected } });
    expect(mesh.states.get(KEY)).not.toHaveProperty("lastGood");
    await mesh.failed("RejectedByProxy");
    expect(servedPlugin(mesh.states.get(KEY))).toBeUndefined();
  });
});

describe("what a restarted control plane remembers", () => {
  /** A version that was good in an earlier run, without its bytes, and an empty cache. */
  const earlier = async () => {
    const digest = await push(hello);
    const served = await start({ [KEY]: plugin() }).ready(digest);
    for (const modules of opened.splice(0)) modules.close();
    await rm(join(dir, "cache"), { recursive: true, force: true });
    return withoutBytes(served);
  };

  it("is served at once and gets its bytes when the registry is there, without a proof", async () => {
    const lastGood = await earlier();
    await registry.close(0);
    const mesh = start({ [KEY]: plugin() }, { [KEY]: { lastGood, rejected: [] } });
    expect(mesh.states.get(KEY)).toMatchObject({ kind: "pending", lastGood });
    expect((await mesh.failed("Unavailable")).lastGood).toEqual(lastGood);
    await registryBack();
    const served = await mesh.ready();
    expect(withoutBytes(served)).toEqual(lastGood);
    expect(Buffer.from(served.wasm ?? []).equals(hello)).toBe(true);
    expect(mesh.proven).toEqual([]);
  });

  it("gets its bytes also where the tag stands for a version by now that is refused", async () => {
    const lastGood = await earlier();
    const digest = await push(wasmBytes(section(SECTION.start, [0])));
    const mesh = start({ [KEY]: moving() }, { [KEY]: { lastGood, rejected: [] } });
    await vi.waitFor(() => expect(servedPlugin(mesh.states.get(KEY))?.wasm).toBeDefined(), LIMIT);
    const state = mesh.states.get(KEY);
    expect(state).toMatchObject({ kind: "failed", digest, failure: { reason: "StartSection" } });
    expect(withoutBytes(servedPlugin(state)!)).toEqual(lastGood);
  });

  it("is served while its tag is gone, with its bytes by their digest", async () => {
    const lastGood = await earlier();
    const mesh = start(
      { [KEY]: plugin({ url: `oci://${registry.address}/plugins/hello:gone` }) },
      { [KEY]: { lastGood, rejected: [] } },
    );
    await vi.waitFor(() => expect(servedPlugin(mesh.states.get(KEY))?.wasm).toBeDefined(), LIMIT);
    expect((await mesh.failed("NotFound")).failure.nextAttempt).toBeDefined();
  });

  it("gives way to the version that the tag stands for now", async () => {
    const lastGood = await earlier();
    const digest = await push(variant(hello, "2"));
    const mesh = start({ [KEY]: moving() }, { [KEY]: { lastGood, rejected: [] } });
    await mesh.ready(digest);
    expect(mesh.proven).toHaveLength(1);
  });

  it("is kept with IfNotPresent, whatever the tag stands for now", async () => {
    const lastGood = await earlier();
    await push(variant(hello, "2"));
    const mesh = start({ [KEY]: plugin() }, { [KEY]: { lastGood, rejected: [] } });
    expect((await mesh.ready()).digest).toBe(lastGood.digest);
  });

  it("is not inherited by a plugin that comes later under the same name", async () => {
    const lastGood = await earlier();
    const mesh = start({}, { [KEY]: { lastGood, rejected: [] } });
    mesh.modules.reconcile(new Map([[KEY, plugin({ url: `oci://${registry.address}/plugins/hello:gone` })]]));
    expect((await mesh.failed("NotFound")).lastGood).toBeUndefined();
  });
});

it("takes a module from a file of the folder, and again when it changes", async () => {
  await mkdir(join(dir, "folder"));
  const write = (mark: string) => writeFile(join(dir, "folder", "p.wasm"), variant(hello, mark));
  await write("1");
  const mesh = start({ [KEY]: plugin({ url: "file://p.wasm", rootId: "hello" }) });
  const first = await mesh.ready();
  expect(first.manifest).toMatchObject({ builtWithSdk: false, side: "both", phase: "default" });
  await write("2");
  await vi.waitFor(() => expect(servedPlugin(mesh.states.get(KEY))?.version).not.toBe(first.version), LIMIT);
});

it("says nothing after it was closed", async () => {
  await push(hello);
  const mesh = start({ [KEY]: moving() });
  await mesh.ready();
  mesh.modules.close();
  const before = mesh.history.length;
  await push(variant(hello, "2"));
  // Another one that sees the change has had the time that this one would have needed.
  const witness = start({ [KEY]: moving() });
  await witness.ready();
  await witness.looks(3);
  expect(mesh.history).toHaveLength(before);
});
