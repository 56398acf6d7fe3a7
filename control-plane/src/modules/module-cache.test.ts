import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createModuleCache } from "./module-cache.js";
import type { PulledModule } from "./served-plugin.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "weft-cache-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const module = (name: string, size = 100): PulledModule => {
  const wasm = new Uint8Array(Buffer.alloc(size, name));
  return {
    digest: `sha256:${name}`,
    wasmSha256: createHash("sha256").update(wasm).digest("hex"),
    wasm,
    pluginYaml: `name: ${name}\n`,
  };
};
const cacheOf = (maxBytes = 1_000) => createModuleCache({ dir: join(dir, "modules"), maxBytes });
const path = (name: string, end: string) => join(dir, "modules", `sha256-${name}.${end}`);
/** As if it had been used so many seconds ago. */
const age = (name: string, seconds: number) => {
  const then = new Date(Date.now() - seconds * 1000);
  return utimes(path(name, "wasm"), then, then);
};

it("gives what was put, also to a process that comes later", async () => {
  await cacheOf().put(module("a"));
  const found = await cacheOf().get("sha256:a");
  expect({ ...found, wasm: Buffer.from(found!.wasm) }).toEqual({ ...module("a"), wasm: Buffer.from(module("a").wasm) });
});

it("keeps a module without a manifest as such", async () => {
  const { pluginYaml: _, ...foreign } = module("a");
  await cacheOf().put(foreign);
  expect(await cacheOf().get("sha256:a")).not.toHaveProperty("pluginYaml");
});

it("has nothing where nothing was put", async () => {
  expect(await cacheOf().get("sha256:a")).toBeUndefined();
});

describe("what is damaged is not there", () => {
  it.each<[string, () => Promise<void>]>([
    ["other bytes", () => writeFile(path("a", "wasm"), "other")],
    ["bytes cut off", async () => writeFile(path("a", "wasm"), (await readFile(path("a", "wasm"))).subarray(1))],
    ["no bytes", () => rm(path("a", "wasm"))],
    ["no entry", () => rm(path("a", "json"))],
    ["an entry cut off", () => writeFile(path("a", "json"), '{"digest": ')],
    ["an empty entry", () => writeFile(path("a", "json"), "")],
    ["an entry that is null", () => writeFile(path("a", "json"), "null")],
    ["an entry that is a list", () => writeFile(path("a", "json"), "[]")],
    ["an entry of another module", async () => writeFile(path("a", "json"), await readFile(path("b", "json")))],
    [
      "a manifest that is no text",
      async () => {
        const entry = JSON.parse(await readFile(path("a", "json"), "utf8")) as object;
        await writeFile(path("a", "json"), JSON.stringify({ ...entry, pluginYaml: 1 }));
      },
    ],
  ])("%s", async (_name, damage) => {
    const cache = cacheOf();
    await cache.put(module("a"));
    await cache.put(module("b"));
    await damage();
    expect(await cache.get("sha256:a")).toBeUndefined();
    await cache.put(module("a"));
    expect(await cache.get("sha256:a")).toBeDefined();
  });
});

describe("the limit", () => {
  it("makes what was used longest ago go first", async () => {
    const cache = cacheOf(350);
    for (const name of ["a", "b", "c"]) await cache.put(module(name));
    await age("a", 30);
    await age("b", 20);
    await age("c", 10);
    await cache.get("sha256:a");
    await cache.put(module("d"));
    const there = await Promise.all(
      ["a", "b", "c", "d"].map(async (name) => (await cache.get(`sha256:${name}`)) !== undefined),
    );
    expect(there).toEqual([true, false, true, true]);
    expect((await readdir(join(dir, "modules"))).sort()).toHaveLength(6);
  });

  it("keeps what was put last even if it is larger than all", async () => {
    const cache = cacheOf(350);
    await cache.put(module("a"));
    await cache.put(module("big", 1_000));
    expect(await cache.get("sha256:a")).toBeUndefined();
    expect(await cache.get("sha256:big")).toBeDefined();
  });
});

it("takes the same module from several plugins at once", async () => {
  const cache = cacheOf();
  await Promise.all(Array.from({ length: 20 }, () => cache.put(module("a"))));
  expect(await cache.get("sha256:a")).toBeDefined();
  expect(await readdir(join(dir, "modules"))).toHaveLength(2);
});

it("takes more modules at once than it keeps", async () => {
  const cache = cacheOf(250);
  await Promise.all(Array.from({ length: 20 }, (_, n) => cache.put(module(`m${n}`))));
  await cache.put(module("last"));
  const sizes = (await readdir(join(dir, "modules"))).filter((name) => name.endsWith(".wasm"));
  const total = (await Promise.all(sizes.map((name) => stat(join(dir, "modules", name))))).reduce(
    (sum, s) => sum + s.size,
    0,
  );
  expect(total).toBeLessThanOrEqual(250);
  expect(await cache.get("sha256:last")).toBeDefined();
});
