import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { mkManifest, mkPlugin, mkServed } from "../../../test/builders.js";
import type { StatusDocument } from "./document.js";
import { pluginStatus } from "./plugin-status.js";
import { rememberedPlugins } from "./remembered.js";
import { createStatusWriter, readStatuses, statusFile, storedConditions } from "./writer.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "weft-status-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const document = (name: string, status: object = { conditions: [] }): StatusDocument => ({
  apiVersion: "v1",
  object: { kind: "Service", namespace: "default", name },
  // What is in it is all the same to the writer.
  status: status as StatusDocument["status"],
});

/** Every file below the folder, with its text. */
async function files(): Promise<Record<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const found = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
  return Object.fromEntries(
    await Promise.all(
      found.map(async (path) => [relative(dir, path).split(sep).join("/"), await readFile(path, "utf8")]),
    ),
  );
}

describe("the writer", () => {
  it("writes one file per object", async () => {
    await createStatusWriter(dir).write([document("a", { conditions: [], proxies: { matched: 2 } })]);
    const written = await files();
    expect(Object.keys(written)).toEqual(["Service/default.a.yaml"]);
    expect(parse(written["Service/default.a.yaml"] ?? "")).toEqual({
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace: "default", name: "a" },
      status: { conditions: [], proxies: { matched: 2 } },
    });
  });

  it("touches only what differs, also after a restart", async () => {
    await createStatusWriter(dir).write([document("a"), document("b")]);
    const inode = async (name: string) => (await stat(join(dir, "Service", `default.${name}.yaml`))).ino;
    const before = { a: await inode("a"), b: await inode("b") };
    await createStatusWriter(dir).write([document("a"), document("b", { conditions: ["new"] })]);
    expect(await inode("a")).toBe(before.a);
    expect(await inode("b")).not.toBe(before.b);
  });

  it("removes the files of objects that are gone, those of an earlier run and half-written ones too", async () => {
    await createStatusWriter(dir).write([document("a"), document("b")]);
    await writeFile(join(dir, "Service", "default.c.yaml.tmp"), "half");
    const writer = createStatusWriter(dir);
    await writer.write([document("a")]);
    expect(Object.keys(await files())).toEqual(["Service/default.a.yaml"]);
    await writer.write([]);
    expect(await files()).toEqual({});
  });

  it("replaces a damaged file", async () => {
    await mkdir(join(dir, "Service"));
    await writeFile(join(dir, "Service", "default.a.yaml"), "a: [b");
    await createStatusWriter(dir).write([document("a")]);
    expect(parse((await files())["Service/default.a.yaml"] ?? "")).toMatchObject({ kind: "Service" });
  });

  it("shows a reader either the old text or the new one", async () => {
    const writer = createStatusWriter(dir);
    const versions = [1, 2].map((n) =>
      document("a", { conditions: Array.from({ length: 2_000 }, () => `condition ${n}`) }),
    );
    await writer.write(versions.slice(0, 1));
    const writes = Promise.all(Array.from({ length: 40 }, (_, n) => writer.write([versions[n % 2]!])));
    let done = false;
    void writes.finally(() => {
      done = true;
    });
    const seen = new Set<number>();
    while (!done) seen.add((await readFile(statusFile(dir, versions[0]!.object), "utf8")).length);
    await writes;
    // Both texts are of one length, and no other was ever seen.
    expect(seen.size).toBe(1);
  });

  it("writes calls one after the other, so that the last one holds", async () => {
    const writer = createStatusWriter(dir);
    await Promise.all([writer.write([document("a")]), writer.write([document("b")]), writer.write([document("c")])]);
    expect(Object.keys(await files())).toEqual(["Service/default.c.yaml"]);
  });

  it("reports what cannot be written, writes the rest, and tries again", async () => {
    const writer = createStatusWriter(dir);
    await mkdir(join(dir, "Service", "default.a.yaml"), { recursive: true });
    await expect(writer.write([document("a"), document("b")])).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST|directory/);
    expect(Object.keys(await files())).toContain("Service/default.b.yaml");
    await rm(join(dir, "Service", "default.a.yaml"), { recursive: true });
    await writer.write([document("a"), document("b")]);
    expect(Object.keys(await files())).toEqual(["Service/default.a.yaml", "Service/default.b.yaml"]);
  });
});

describe("the place of a status", () => {
  const object = { kind: "Service", namespace: "default", name: "a" };

  it.each([
    ["kind", { ...object, kind: "../../evil" }],
    ["kind", { ...object, kind: ".." }],
    ["kind", { ...object, kind: "/etc" }],
    ["kind", { ...object, kind: "" }],
    ["namespace", { ...object, namespace: "../../../evil" }],
    ["name", { ...object, name: "x/../../../../evil" }],
    ["name", { ...object, name: "nul\0byte" }],
    ["length", { ...object, namespace: "n".repeat(253), name: "a".repeat(253) }],
  ])("is inside the folder whatever the %s is: %j", async (_part, ref) => {
    expect(relative(dir, statusFile(dir, ref)).split(sep)).toHaveLength(2);
    expect(relative(dir, statusFile(dir, ref)).startsWith("..")).toBe(false);
    const writer = createStatusWriter(dir);
    await writer.write([{ apiVersion: "v1", object: ref, status: { conditions: [] } }]);
    expect(Object.keys(await files())).toHaveLength(1);
    expect((await readStatuses(dir)).statuses.map((stored) => stored.object)).toEqual([ref]);
  });

  it("is another for another object, also where names must be cut or escaped", () => {
    const long = (end: string) => ({ ...object, name: "a".repeat(250) + end });
    const refs = [
      object,
      { ...object, name: "b" },
      long("1"),
      long("2"),
      { ...object, name: "a/" },
      { ...object, name: "a_" },
    ];
    expect(new Set(refs.map((ref) => statusFile(dir, ref))).size).toBe(refs.length);
  });
});

describe("reading statuses", () => {
  it("names files that are damaged, and reads the others", async () => {
    await createStatusWriter(dir).write([document("a")]);
    for (const [name, text] of Object.entries({
      syntax: "a: [b",
      empty: "",
      list: "- a",
      "no-status": "kind: Service\nmetadata: {namespace: default, name: x}\n",
      "no-name": "kind: Service\nmetadata: {namespace: default}\nstatus: {}\n",
    }))
      await writeFile(join(dir, "Service", `${name}.yaml`), text);
    const { statuses, unreadable } = await readStatuses(dir);
    expect(statuses.map(({ object }) => object.name)).toEqual(["a"]);
    expect(unreadable.map((path) => path.split(sep).join("/"))).toEqual([
      "Service/empty.yaml",
      "Service/list.yaml",
      "Service/no-name.yaml",
      "Service/no-status.yaml",
      "Service/syntax.yaml",
    ]);
  });

  it("finds nothing where nothing was written", async () => {
    expect(await readStatuses(join(dir, "absent"))).toEqual({ statuses: [], unreadable: [] });
  });

  it("takes whole conditions only", () => {
    const whole = { type: "Accepted", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" };
    const object = document("a").object;
    expect(storedConditions({ object, status: { conditions: [whole, { type: "Accepted" }, "x", null] } })).toEqual([
      whole,
    ]);
    expect(storedConditions({ object, status: { conditions: "x" } })).toEqual([]);
  });
});

describe("what a plugin's status remembers", () => {
  const object = { kind: "WasmPlugin", namespace: "default", name: "retry" };
  const served = mkServed("retry", {
    config: '{"text":"é: # \\n \\" yes","n":1e3}',
    failStrategy: "FAIL_OPEN",
    vmId: "default/retry/1",
    capabilities: ["proxy_log", "proxy_on_log"],
    env: { A: "010", B: "" },
    verified: { keys: ["a=="], warnings: [{ reason: "DigestRequired", message: "m" }], beyond: ["proxy_done"] },
    unproven: "an engine",
    manifest: mkManifest("retry", {
      version: "1.10",
      stateVersion: "010",
      requires: ["subsetRoutes", "retryBackoff"],
      phase: "authz",
      side: "client",
      metrics: [
        { name: "requests", type: "counter", labels: { code: "%RESPONSE_CODE%" } },
        { name: "duration", type: "histogram", value: "%DURATION%", labels: {} },
      ],
      configSchema: { type: "object", properties: { n: { type: "integer", default: 0 } } },
    }),
  });
  const status = (over: object = {}) => ({
    ...pluginStatus({
      plugin: mkPlugin("retry"),
      module: { kind: "ready", served },
      rejected: [{ version: "v0", message: "line one\nline two: # no comment" }],
      proxies: { matched: 0, acked: 0, rejected: 0 },
      problems: [],
      previous: [],
      now: "2026-01-01T00:00:00.000Z",
    }),
    ...over,
  });
  const { wasm: _bytes, ...withoutBytes } = served;

  it("is what was served, but its bytes, after a way through a file", async () => {
    await createStatusWriter(dir).write([{ apiVersion: "weft.mesh/v1alpha1", object, status: status() }]);
    const { statuses } = await readStatuses(dir);
    expect(rememberedPlugins(statuses)).toEqual(
      new Map([
        [
          "default/retry",
          { lastGood: withoutBytes, rejected: [{ version: "v0", message: "line one\nline two: # no comment" }] },
        ],
      ]),
    );
  });

  it("is nothing for objects that are no plugins", () => {
    expect(rememberedPlugins([{ object: { ...object, kind: "Service" }, status: status() }]).size).toBe(0);
  });

  const lastGood = status().lastGood!;
  it.each<[string, unknown]>([
    ["is missing", undefined],
    ["is a text", "x"],
    ["has no version", { ...lastGood, resourceVersion: undefined }],
    ["has a number for a text", { ...lastGood, config: 1 }],
    ["has no hash of what is served", { ...lastGood, servedSha256: undefined }],
    ["has no memory limit", { ...lastGood, memoryBytes: "32Mi" }],
    ["has a capability that is no text", { ...lastGood, capabilities: [1] }],
    ["has a variable that is no text", { ...lastGood, env: { A: 1 } }],
    ["does not say how it was verified", { ...lastGood, verified: undefined }],
    ["has a key that is no text", { ...lastGood, verified: { ...lastGood.verified, keys: [1] } }],
    ["has half a warning", { ...lastGood, verified: { ...lastGood.verified, warnings: [{ reason: "a" }] } }],
    ["has an unknown strategy", { ...lastGood, failStrategy: "FAIL" }],
    ["has no manifest", { ...lastGood, manifest: undefined }],
    ["has an unknown phase", { ...lastGood, manifest: { ...lastGood.manifest, phase: "late" } }],
    ["has an unknown side", { ...lastGood, manifest: { ...lastGood.manifest, side: "left" } }],
    ["has an unknown requirement", { ...lastGood, manifest: { ...lastGood.manifest, requires: ["gold"] } }],
    [
      "has a metric without labels",
      { ...lastGood, manifest: { ...lastGood.manifest, metrics: [{ name: "a", type: "counter" }] } },
    ],
    ["does not say who built it", { ...lastGood, manifest: { ...lastGood.manifest, builtWithSdk: undefined } }],
  ])("is no last good version where that %s", (_name, value) => {
    expect(rememberedPlugins([{ object, status: status({ lastGood: value }) }]).get("default/retry")).toEqual({
      rejected: [{ version: "v0", message: "line one\nline two: # no comment" }],
    });
  });

  it("takes no bytes, and nothing else that is not its own, from a file", () => {
    const forged = { ...lastGood, wasm: "AGFzbQ==", extra: 1 };
    const { lastGood: found } =
      rememberedPlugins([{ object, status: status({ lastGood: forged }) }]).get("default/retry") ?? {};
    expect(found).toEqual(withoutBytes);
  });

  it("takes whole rejections only", () => {
    const rejected = [{ version: "v1", message: "m" }, { version: "v2" }, "v3"];
    expect(rememberedPlugins([{ object, status: status({ rejected }) }]).get("default/retry")?.rejected).toEqual([
      { version: "v1", message: "m" },
    ]);
  });
});
