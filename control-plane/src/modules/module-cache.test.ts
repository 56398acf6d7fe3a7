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

const module = (name: string, size = 10_000): PulledModule => {
  const wasm = new Uint8Array(Buffer.alloc(size, name));
  return {
    digest: `sha256:${name}`,
    wasmSha256: createHash("sha256").update(wasm).digest("hex"),
    wasm,
    pluginYaml: `name: ${name}\n`,
  };
};
const cacheOf = (maxBytes = 100_000) => createModuleCache({ dir: join(dir, "modules"), maxBytes });
const path = (name: string, end: string) => join(dir, "modules", `sha256-${name}.${end}`);
/** As if it had been used so many seconds ago. */
const age = (name: string, seconds: number) => {
  const then = new Date(Date.now() - seconds * 1000);
  return utimes(path(name, "wasm"), then, then);
};

it("gives what was put, also to a process that comes later", async () => {
  await cacheOf().put(module("a"), "r");
  const found = await cacheOf().get("sha256:a");
  expect({ ...found, wasm: Buffer.from(found!.wasm) }).toEqual({
    ...module("a"),
    wasm: Buffer.from(module("a").wasm),
    readers: ["r"],
  });
});

it("gives the image of a module to those who ask for it", async () => {
  const image = Buffer.from("image of a");
  await cacheOf().put(module("a"), "r", image);
  await cacheOf().put(module("b"), "r");
  expect(await cacheOf().image("sha256:a")).toEqual(image);
  expect(await cacheOf().image("sha256:b")).toBeUndefined();
  expect(await cacheOf().image("sha256:c")).toBeUndefined();
});

it("counts images, and lets them go with their modules", async () => {
  const cache = cacheOf(30_000);
  await cache.put(module("a", 5_000), "r", Buffer.alloc(15_000));
  await age("a", 60);
  await cache.put(module("b", 5_000), "r", Buffer.alloc(15_000));
  expect((await readdir(join(dir, "modules"))).sort()).toEqual(
    ["image", "json", "wasm"].map((end) => `sha256-b.${end}`),
  );
  await writeFile(path("c", "image"), "left behind");
  await cache.put(module("b", 5_000), "r");
  expect(await cache.image("sha256:c")).toBeUndefined();
});

it("keeps a module without a manifest as such", async () => {
  const { pluginYaml: _, ...foreign } = module("a");
  await cacheOf().put(foreign, "r");
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
    [
      "another manifest",
      async () => {
        const entry = JSON.parse(await readFile(path("a", "json"), "utf8")) as object;
        await writeFile(path("a", "json"), JSON.stringify({ ...entry, pluginYaml: "name: b\n" }));
      },
    ],
    [
      "another reader",
      async () => {
        const entry = JSON.parse(await readFile(path("a", "json"), "utf8")) as object;
        await writeFile(path("a", "json"), JSON.stringify({ ...entry, readers: ["everybody"] }));
      },
    ],
  ])("%s", async (_name, damage) => {
    const cache = cacheOf();
    await cache.put(module("a"), "r");
    await cache.put(module("b"), "r");
    await damage();
    expect(await cache.get("sha256:a")).toBeUndefined();
    await cache.put(module("a"), "r");
    expect(await cache.get("sha256:a")).toBeDefined();
  });
});

describe("the limit", () => {
  it("makes what was used longest ago go first", async () => {
    const cache = cacheOf(35_000);
    for (const name of ["a", "b", "c"]) await cache.put(module(name), "r");
    await age("a", 30);
    await age("b", 20);
    await age("c", 10);
    await cache.get("sha256:a");
    await cache.put(module("d"), "r");
    const there = await Promise.all(
      ["a", "b", "c", "d"].map(async (name) => (await cache.get(`sha256:${name}`)) !== undefined),
    );
    expect(there).toEqual([true, false, true, true]);
    expect((await readdir(join(dir, "modules"))).sort()).toHaveLength(6);
  });

  it("keeps what was put last even if it is larger than all", async () => {
    const cache = cacheOf(35_000);
    await cache.put(module("a"), "r");
    await cache.put(module("big", 100_000), "r");
    expect(await cache.get("sha256:a")).toBeUndefined();
    expect(await cache.get("sha256:big")).toBeDefined();
  });
});

it("takes the same module from several plugins at once", async () => {
  const cache = cacheOf();
  await Promise.all(Array.from({ length: 20 }, () => cache.put(module("a"), "r")));
  expect(await cache.get("sha256:a")).toBeDefined();
  expect(await readdir(join(dir, "modules"))).toHaveLength(2);
});

it("takes more modules at once than it keeps", async () => {
  const cache = cacheOf(25_000);
  await Promise.all(Array.from({ length: 20 }, (_, n) => cache.put(module(`m${n}`), "r")));
  await cache.put(module("last"), "r");
  const sizes = (await readdir(join(dir, "modules"))).filter((name) => name.endsWith(".wasm"));
  const total = (await Promise.all(sizes.map((name) => stat(join(dir, "modules", name))))).reduce(
    (sum, s) => sum + s.size,
    0,
  );
  expect(total).toBeLessThanOrEqual(25_000);
  expect(await cache.get("sha256:last")).toBeDefined();
});

describe("those who may have a module", () => {
  const readers = async () => (await cacheOf().get("sha256:a"))?.readers;

  it("are added, each once, also by several at once", async () => {
    const cache = cacheOf();
    await cache.put(module("a"), "r");
    await Promise.all(["s", "t", "s"].map((reader) => cache.addReader("sha256:a", reader)));
    expect(await readers()).toEqual(["r", "s", "t"]);
    await cache.put(module("a"), "u");
    expect(await readers()).toEqual(["r", "s", "t", "u"]);
  });

  it("are bounded, and the oldest go first", async () => {
    const cache = cacheOf();
    await cache.put(module("a"), "r");
    for (let n = 0; n < 100; n++) await cache.addReader("sha256:a", String(n));
    expect((await readers())?.length).toBe(100);
    expect(await readers()).not.toContain("r");
  });

  it("are of no use where the module is gone", async () => {
    await cacheOf().addReader("sha256:a", "r");
    expect(await readers()).toBeUndefined();
  });
});

it("removes what a process that was killed left behind", async () => {
  await cacheOf().put(module("a"), "r");
  const left = join(dir, "modules", "sha256-x.wasm.1.tmp");
  const fresh = join(dir, "modules", "sha256-y.wasm.1.tmp");
  for (const file of [left, fresh]) await writeFile(file, "half");
  const then = new Date(Date.now() - 2 * 3600 * 1000);
  await utimes(left, then, then);
  await cacheOf().put(module("b"), "r");
  const names = await readdir(join(dir, "modules"));
  expect([names.includes("sha256-x.wasm.1.tmp"), names.includes("sha256-y.wasm.1.tmp")]).toEqual([false, true]);
});
