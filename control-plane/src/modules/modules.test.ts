import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { limitMemory } from "@weft/sdk/host";
import { describe, expect, it, vi } from "vitest";
import { KEY, LIMIT, MANIFEST, useModules } from "../../../test/modules-fixture.js";
import { SECTION, section, variant, wasm as wasmBytes } from "../../../test/wasm-bytes.js";
import { type ServedPlugin, servedPlugin } from "../model/module-state.js";
import type { Plugin } from "../model/plugin.js";

const mesh = useModules();
const { push, plugin, start, registryBack } = mesh;
const moving = (over: Partial<Plugin> = {}) => plugin({ imagePullPolicy: "Always", ...over });

const withoutBytes = ({ wasm: _, ...rest }: ServedPlugin): ServedPlugin => rest;

describe("a plugin in the registry", () => {
  it("is pending, then ready with its manifest", async () => {
    const digest = await push(mesh.hello);
    const run = start({ [KEY]: plugin() });
    expect(run.states.get(KEY)).toEqual({ kind: "pending", message: "waiting for the registry" });
    const served = await run.ready();
    expect(served).toMatchObject({
      digest,
      rootId: "hello",
      config: "{}",
      manifest: { name: "hello", builtWithSdk: true },
    });
    expect(served.wasm).toEqual(limitMemory(mesh.hello, served.memoryBytes));
    expect(run.proven).toEqual([served.version]);
    expect(run.history.map((state) => state?.kind)).toEqual(["pending", "ready"]);
  });

  it("is taken anew when its tag moves, if it is to be looked at again", async () => {
    const first = await push(variant(mesh.hello, "1"));
    const run = start({ [KEY]: moving(), "default/still": plugin({ name: "still" }) });
    const before = await run.ready(first);
    await run.ready(first, "default/still");
    const second = await push(variant(mesh.hello, "2"));
    const after = await run.ready(second);
    expect(after.version).not.toBe(before.version);
    expect(after.vmId).toBe(before.vmId);
    await run.looks(3);
    expect(servedPlugin(run.states.get("default/still"))?.digest).toBe(first);
  });

  it("says nothing while its tag stays, and going back takes no proof", async () => {
    const first = await push(variant(mesh.hello, "1"));
    const run = start({ [KEY]: moving() });
    await run.ready(first);
    await run.looks(4);
    expect(run.history).toHaveLength(2);
    await run.ready(await push(variant(mesh.hello, "2")));
    await push(variant(mesh.hello, "1"));
    await run.ready(first);
    expect(run.proven).toHaveLength(2);
  });

  it("has several at a time, each by itself", async () => {
    const digest = await push(mesh.hello);
    const names = Array.from({ length: 5 }, (_, n) => `p${n}`);
    const run = start({
      ...Object.fromEntries(names.map((name) => [`default/${name}`, plugin({ name })])),
      "default/none": plugin({ name: "none", url: `oci://${mesh.registry.address}/plugins/none:1` }),
    });
    for (const name of names) await run.ready(digest, `default/${name}`);
    await run.failed("NotFound", "default/none");
  });
});

describe("what is wrong with a plugin is said, and what was good stays in force", () => {
  it("for a configuration that the plugin refuses; it is proven once, and going back takes no proof", async () => {
    await push(mesh.hello);
    const good = plugin();
    const run = start({ [KEY]: good });
    const before = await run.ready();
    const bad = plugin({ config: '{"name":7}' });
    run.reconcile({ [KEY]: bad });
    const state = await run.failed("ConfigureFailed");
    expect(state.failure.stage).toBe("Validated");
    expect(state.failure.message).toContain("name");
    expect(state.failure.nextAttempt).toBeUndefined();
    expect(state.lastGood).toBe(before);
    expect(run.proven).toHaveLength(2);

    run.reconcile({ [KEY]: good });
    expect(await run.ready()).toBe(before);
    run.reconcile({ [KEY]: bad });
    await run.failed("ConfigureFailed");
    expect(run.proven).toHaveLength(2);
  });

  it("for a configuration that does not fit the schema in the image", async () => {
    const schema = "configSchema: {type: object, properties: {name: {type: string}}, additionalProperties: false}\n";
    await push(mesh.hello, { manifest: MANIFEST + schema });
    const run = start({ [KEY]: plugin({ config: '{"nmae":"x"}' }) });
    expect((await run.failed("InvalidConfig")).failure.message).toContain("nmae");
  });

  it.each<[string, Partial<Plugin>, string, string]>([
    ["an HTTP module as NETWORK", { type: "network" }, MANIFEST, "TypeMismatch"],
    ["the callers' module for a Service", { targetServices: ["a"] }, `${MANIFEST}side: client\n`, "SideMissing"],
  ])("for %s, and well again when the object says otherwise", async (_name, over, manifest, reason) => {
    const digest = await push(mesh.hello, { manifest });
    const run = start({ [KEY]: plugin(over) });
    expect(await run.failed(reason)).toMatchObject({ digest, failure: { stage: "Validated" } });
    run.reconcile({ [KEY]: plugin() });
    await run.ready(digest);
  });

  it("for a refused version that is looked at again and again: proven once, said once", async () => {
    await push(mesh.hello);
    const run = start({ [KEY]: moving({ config: '{"name":7}' }) });
    await run.failed("ConfigureFailed");
    await run.looks(4);
    expect(run.proven).toHaveLength(1);
    expect(run.history.map((state) => state?.kind)).toEqual(["pending", "failed"]);
  });

  it.each<[string, () => Uint8Array, string, string]>([
    ["module", () => wasmBytes(section(SECTION.start, [0])), MANIFEST, "StartSection"],
    ["manifest", () => mesh.hello, "name: hello\nrootId: hello\nside: left\n", "InvalidManifest"],
    ["requirement", () => mesh.hello, `${MANIFEST}requires: [gold]\n`, "InvalidManifest"],
  ])("for a %s that cannot be used", async (_part, wasm, manifest, reason) => {
    const first = await push(mesh.hello);
    const run = start({ [KEY]: moving() });
    const before = await run.ready(first);
    const digest = await push(wasm(), { manifest });
    expect(await run.failed(reason)).toMatchObject({ digest, failure: { stage: "Verified" }, lastGood: before });
    const third = await push(variant(mesh.hello, "3"));
    await run.ready(third);
  });

  it("for a tag that is not there yet, and is tried again", async () => {
    const run = start({ [KEY]: plugin() });
    const { failure } = await run.failed("NotFound");
    expect(failure.stage).toBe("Resolved");
    expect(Date.parse(failure.nextAttempt ?? "")).toBeGreaterThan(0);
    await run.ready(await push(mesh.hello));
  });
});

describe("without the registry", () => {
  it("a new plugin fails, says when it is tried again, and becomes ready by itself", async () => {
    const digest = await push(mesh.hello);
    await mesh.registry.close(0);
    const run = start({ [KEY]: plugin() });
    const { failure, lastGood } = await run.failed("Unavailable");
    expect(failure.nextAttempt).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(lastGood).toBeUndefined();
    await registryBack();
    await run.ready(digest);
  });

  it("a changed plugin keeps its last good version until the registry is back", async () => {
    await push(mesh.hello);
    const second = await push(variant(mesh.hello, "2"), { tag: "2" });
    const run = start({ [KEY]: plugin() });
    const before = await run.ready();
    await mesh.registry.close(0);
    run.reconcile({ [KEY]: plugin({ url: `oci://${mesh.registry.address}/plugins/hello:2` }) });
    expect((await run.failed("Unavailable")).lastGood).toBe(before);
    await registryBack();
    await run.ready(second);
  });

  it("a change of the configuration alone takes no pull, only a look at the tag", async () => {
    const digest = await push(mesh.hello);
    const run = start({ [KEY]: plugin({ sha256: digest.slice(7) }) });
    await run.ready();
    await mesh.registry.close(0);
    run.reconcile({ [KEY]: plugin({ sha256: digest.slice(7), config: '{"name":"new"}' }) });
    await vi.waitFor(() => expect(servedPlugin(run.states.get(KEY))?.config).toBe('{"name":"new"}'), LIMIT);
  });
});

describe("a plugin that is gone", () => {
  it("is forgotten, and is another when it comes back", async () => {
    await push(mesh.hello);
    const run = start({ [KEY]: moving() });
    const { version } = await run.ready();
    run.reconcile({});
    expect(run.states.get(KEY)).toBeUndefined();
    expect(run.history.at(-1)).toBeUndefined();
    run.modules.reject(KEY, version, "too late");
    expect(run.modules.rejected(KEY)).toEqual([]);
    run.reconcile({ [KEY]: plugin() });
    expect(run.states.get(KEY)).toMatchObject({ kind: "pending" });
    await run.ready();
  });

  it("says nothing any more, even in the middle of its proof", async () => {
    await push(mesh.hello);
    const run = start({ [KEY]: plugin(), "default/other": plugin({ name: "other" }) });
    await vi.waitFor(() => expect(run.proven.length).toBeGreaterThan(0), LIMIT);
    run.reconcile({ "default/other": plugin({ name: "other" }) });
    await run.ready(undefined, "default/other");
    expect(run.history.at(-1)).toBeUndefined();
  });
});

describe("a version that a proxy refused", () => {
  /** Two versions that were good, one after the other. */
  const two = async () => {
    const first = await push(variant(mesh.hello, "1"));
    const run = start({ [KEY]: moving() });
    const v1 = await run.ready(first);
    const second = await push(variant(mesh.hello, "2"));
    const v2 = await run.ready(second);
    return { run, v1, v2 };
  };

  it("is taken back to the one before it, and never proven or served again", async () => {
    const { run, v1, v2 } = await two();
    run.modules.reject(KEY, v2.version, "Unable to create Wasm plugin");
    expect(run.states.get(KEY)).toEqual({
      kind: "failed",
      failure: { stage: "Validated", reason: "RejectedByProxy", message: "Unable to create Wasm plugin" },
      digest: v2.digest,
      lastGood: v1,
    });
    await run.looks(4);
    expect(servedPlugin(run.states.get(KEY))).toBe(v1);
    expect(run.states.get(KEY)).toMatchObject({ failure: { reason: "RejectedByProxy" } });
    expect(run.proven).toEqual([v1.version, v2.version]);
    expect(run.modules.rejected(KEY)).toEqual([{ version: v2.version, message: "Unable to create Wasm plugin" }]);
  });

  it("gives way to the next version", async () => {
    const { run, v2 } = await two();
    run.modules.reject(KEY, v2.version, "no");
    await run.ready(await push(variant(mesh.hello, "3")));
  });

  it("leaves nothing to serve when there was none before it", async () => {
    await push(mesh.hello);
    const run = start({ [KEY]: plugin() });
    const { version } = await run.ready();
    run.modules.reject(KEY, version, "no");
    expect(run.states.get(KEY)).toMatchObject({ kind: "failed", failure: { reason: "RejectedByProxy" } });
    expect(servedPlugin(run.states.get(KEY))).toBeUndefined();
  });

  it("is not what another refused one goes back to", async () => {
    const { run, v1, v2 } = await two();
    run.modules.reject(KEY, v2.version, "no");
    run.modules.reject(KEY, v1.version, "no");
    expect(servedPlugin(run.states.get(KEY))).toBeUndefined();
  });

  it("is not gone back to when it was refused late", async () => {
    const { run, v1, v2 } = await two();
    const v3 = await run.ready(await push(variant(mesh.hello, "3")));
    run.modules.reject(KEY, v2.version, "late");
    expect(servedPlugin(run.states.get(KEY))).toBe(v3);
    run.modules.reject(KEY, v3.version, "no");
    expect(servedPlugin(run.states.get(KEY))).toBe(v1);
  });

  it("is refused once, however many proxies say so", async () => {
    const { run, v2 } = await two();
    const before = run.history.length;
    for (const proxy of ["a", "b", "c"]) run.modules.reject(KEY, v2.version, `refused by ${proxy}`);
    expect(run.modules.rejected(KEY)).toEqual([{ version: v2.version, message: "refused by a" }]);
    expect(run.history).toHaveLength(before + 1);
  });

  it("is known after a restart", async () => {
    const { v1, v2 } = await two();
    const rejected = [{ version: v2.version, message: "no" }];
    const run = start({ [KEY]: moving() }, { [KEY]: { lastGood: v1, rejected } });
    await run.failed("RejectedByProxy");
    expect(servedPlugin(run.states.get(KEY))).toBe(v1);
    expect(run.proven).toEqual([]);
    expect(run.modules.rejected(KEY)).toEqual(rejected);
  });

  it("is no last good version after a restart", async () => {
    const { v2 } = await two();
    const rejected = [{ version: v2.version, message: "no" }];
    const run = start({ [KEY]: moving() }, { [KEY]: { lastGood: v2, rejected } });
    expect(run.states.get(KEY)).not.toHaveProperty("lastGood");
    await run.failed("RejectedByProxy");
    expect(servedPlugin(run.states.get(KEY))).toBeUndefined();
  });
});

describe("what a restarted control plane remembers", () => {
  /** A version that was good in an earlier run, without its bytes, and an empty cache. */
  const earlier = async () => {
    const digest = await push(mesh.hello);
    const served = await start({ [KEY]: plugin() }).ready(digest);
    mesh.closeModules();
    await rm(join(mesh.dir, "cache"), { recursive: true, force: true });
    return withoutBytes(served);
  };

  it("is served at once and gets its bytes when the registry is there, without a proof", async () => {
    const lastGood = await earlier();
    await mesh.registry.close(0);
    const run = start({ [KEY]: plugin() }, { [KEY]: { lastGood, rejected: [] } });
    expect(run.states.get(KEY)).toMatchObject({ kind: "pending", lastGood });
    expect((await run.failed("Unavailable")).lastGood).toEqual(lastGood);
    await registryBack();
    const served = await run.ready();
    expect(withoutBytes(served)).toEqual(lastGood);
    expect(served.wasm).toEqual(limitMemory(mesh.hello, served.memoryBytes));
    expect(run.proven).toEqual([]);
  });

  it("gets its bytes also where the tag stands for a version by now that is refused", async () => {
    const lastGood = await earlier();
    const digest = await push(wasmBytes(section(SECTION.start, [0])));
    const run = start({ [KEY]: moving() }, { [KEY]: { lastGood, rejected: [] } });
    await vi.waitFor(() => expect(servedPlugin(run.states.get(KEY))?.wasm).toBeDefined(), LIMIT);
    const state = run.states.get(KEY);
    expect(state).toMatchObject({ kind: "failed", digest, failure: { reason: "StartSection" } });
    expect(withoutBytes(servedPlugin(state)!)).toEqual(lastGood);
  });

  it("is served while its tag is gone, with its bytes by their digest", async () => {
    const lastGood = await earlier();
    const run = start(
      { [KEY]: plugin({ url: `oci://${mesh.registry.address}/plugins/hello:gone` }) },
      { [KEY]: { lastGood, rejected: [] } },
    );
    await vi.waitFor(() => expect(servedPlugin(run.states.get(KEY))?.wasm).toBeDefined(), LIMIT);
    expect((await run.failed("NotFound")).failure.nextAttempt).toBeDefined();
  });

  it("gives way to the version that the tag stands for now", async () => {
    const lastGood = await earlier();
    const digest = await push(variant(mesh.hello, "2"));
    const run = start({ [KEY]: moving() }, { [KEY]: { lastGood, rejected: [] } });
    await run.ready(digest);
    expect(run.proven).toHaveLength(1);
  });

  it("is kept with IfNotPresent, whatever the tag stands for now", async () => {
    const lastGood = await earlier();
    await push(variant(mesh.hello, "2"));
    const run = start({ [KEY]: plugin() }, { [KEY]: { lastGood, rejected: [] } });
    expect((await run.ready()).digest).toBe(lastGood.digest);
  });

  it("is not inherited by a plugin that comes later under the same name", async () => {
    const lastGood = await earlier();
    const run = start({}, { [KEY]: { lastGood, rejected: [] } });
    run.reconcile({ [KEY]: plugin({ url: `oci://${mesh.registry.address}/plugins/hello:gone` }) });
    expect((await run.failed("NotFound")).lastGood).toBeUndefined();
  });
});

it("takes a module from a file of the folder, and again when it changes", async () => {
  await mkdir(join(mesh.dir, "folder"));
  const write = (mark: string) => writeFile(join(mesh.dir, "folder", "p.wasm"), variant(mesh.hello, mark));
  await write("1");
  const run = start({ [KEY]: plugin({ url: "file://p.wasm", rootId: "hello" }) });
  const first = await run.ready();
  expect(first.manifest).toMatchObject({ builtWithSdk: false, side: "both", phase: "default" });
  await write("2");
  await vi.waitFor(() => expect(servedPlugin(run.states.get(KEY))?.version).not.toBe(first.version), LIMIT);
});

it("says nothing after it was closed", async () => {
  await push(mesh.hello);
  const run = start({ [KEY]: moving() });
  await run.ready();
  run.modules.close();
  const before = run.history.length;
  await push(variant(mesh.hello, "2"));
  // Another one that sees the change has had the time that this one would have needed.
  const witness = start({ [KEY]: moving() });
  await witness.ready();
  await witness.looks(3);
  expect(run.history).toHaveLength(before);
});
