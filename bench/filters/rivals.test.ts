import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createCRival } from "./c-rival.js";
import { requireRivals } from "./filters.js";
import { createGcoreRival } from "./gcore-rival.js";
import { createRustRival, downloads, parseVersion } from "./rust-rival.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "weft-bench-"));
});
afterEach(() => rm(dir, { recursive: true }));

/* A program that prints one line, in a folder of its own. */
async function program(folder: string, name: string, line: string): Promise<string> {
  await mkdir(join(dir, folder), { recursive: true });
  const file = join(dir, folder, name);
  await writeFile(file, `#!/bin/sh\necho "${line}"\n`);
  await chmod(file, 0o755);
  return join(dir, folder);
}

test("all that is missing is named at once, with how to get it", async () => {
  const dirs = [dir];
  const kinds = [
    { rival: createCRival("c", { bare: false, dirs }) },
    { rival: createRustRival("rust", dirs) },
    { rival: createGcoreRival("gcore", dirs) },
    {},
  ];
  await expect(requireRivals(kinds)).rejects.toMatchObject({
    code: "TOOL_MISSING",
    message: [
      "c needs clang, which is missing: apt-get install clang",
      "c needs wasm-ld, which is missing: apt-get install lld",
      "rust needs a rustc with the target wasm32-unknown-unknown, which is missing: " +
        "apt-get install rustc libstd-rust-dev-wasm32, or rustup target add wasm32-unknown-unknown",
      "rust needs cargo, which is missing: apt-get install cargo",
      "gcore needs npm, which is missing: apt-get install npm",
    ].join("\n"),
  });
});

test("only what is wanted must be there", async () => {
  await expect(requireRivals([{}])).resolves.toBeUndefined();
});

test("a rustc without the target does not hide one that has it", async () => {
  const sysroot = join(dir, "sysroot");
  const without = await program("newer", "rustc", join(dir, "nothing"));
  const broken = await program("broken", "rustc", "");
  await writeFile(join(broken, "rustc"), "#!/bin/sh\nexit 1\n");
  const cargo = await program("newer", "cargo", "cargo 1.95.0 (f2d3ce0bd 2026-03-21)");
  const rival = (dirs: string[]) => createRustRival("rust", dirs).missing();
  expect((await rival([broken, without, cargo])).map(({ what }) => what)).toEqual([
    "a rustc with the target wasm32-unknown-unknown",
  ]);
  const debian = await program("debian", "rustc", sysroot);
  await mkdir(join(sysroot, "lib", "rustlib", "wasm32-unknown-unknown", "lib"), { recursive: true });
  expect(await rival([broken, without, debian])).toEqual([
    {
      wanted: "rust",
      what: `rust-lld (the linker of ${join(debian, "rustc")})`,
      remedy: "apt-get install lld",
    },
  ]);
  await program("debian", "rust-lld", "");
  expect(await rival([broken, without, debian])).toEqual([]);
});

test.each([
  ["cargo 1.65.0", [1, 65]],
  ["cargo 1.95.0 (f2d3ce0bd 2026-03-21)", [1, 95]],
  ["error: rustup could not choose a version of cargo to run", undefined],
])("%s", (text, version) => {
  expect(parseVersion(text)).toEqual(version);
});

test("the newest cargo downloads; an old one first in the way that needs no Git", () => {
  const ways = downloads([
    { path: "/usr/bin/cargo", version: [1, 65] },
    { path: "/a/cargo", version: [1, 95] },
    { path: "/b/cargo", version: [1, 68] },
  ]);
  expect(ways.map(({ cargo, args, env }) => [cargo, args[0], env])).toEqual([
    ["/a/cargo", "vendor", {}],
    ["/b/cargo", "vendor", { CARGO_REGISTRIES_CRATES_IO_PROTOCOL: "sparse" }],
    ["/usr/bin/cargo", "-Z", { RUSTC_BOOTSTRAP: "1" }],
    ["/b/cargo", "vendor", {}],
    ["/usr/bin/cargo", "vendor", {}],
  ]);
});
