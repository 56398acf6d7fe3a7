import { existsSync, readdirSync } from "node:fs";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ROOT } from "../measure/repository.js";
import { findAll, type Missing, programDirs, run } from "../measure/tools.js";
import { buildOnce, type Rival } from "./module.js";

const SOURCES = join(ROOT, "bench", "filters", "rust");
const TARGET = "wasm32-unknown-unknown";
const VENDORED = "vendor";
const CONFIG = `[source.crates-io]
replace-with = "vendored"
[source.vendored]
directory = "${VENDORED}"
`;

/** A command and the version that it says it has. */
export interface VersionedTool {
  path: string;
  version: readonly [major: number, minor: number];
}

/** One way to have cargo download the crates. */
export interface Download {
  cargo: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
}

/**
 * How the crates may be downloaded, the best way first. Their index is read over HTTP (the sparse protocol) by default
 * from cargo 1.70 on; 1.68 must be told, and older ones have it as an unstable flag. Through Git comes last: it needs
 * the whole index.
 */
export function downloads(cargos: readonly VersionedTool[]): Download[] {
  const vendor = ["vendor", "--respect-source-config", VENDORED];
  const newest = cargos.toSorted((a, b) => b.version[0] - a.version[0] || b.version[1] - a.version[1]);
  const sparse = newest.map(({ path, version: [, minor] }): Download => {
    if (minor >= 70) return { cargo: path, args: vendor, env: {} };
    if (minor >= 68) return { cargo: path, args: vendor, env: { CARGO_REGISTRIES_CRATES_IO_PROTOCOL: "sparse" } };
    return { cargo: path, args: ["-Z", "sparse-registry", ...vendor], env: { RUSTC_BOOTSTRAP: "1" } };
  });
  const git = newest.filter(({ version: [, minor] }) => minor < 70);
  return [...sparse, ...git.map(({ path }) => ({ cargo: path, args: vendor, env: {} }))];
}

export function parseVersion(text: string): [number, number] | undefined {
  const found = /^(?:cargo|rustc) (\d+)\.(\d+)/.exec(text);
  return found === null ? undefined : [Number(found[1]), Number(found[2])];
}

/** The Rust SDK (crate proxy-wasm), by the first rustc that has the target: on PATH, else Debian's in /usr/bin. */
export function createRustRival(name: string, dirs = programDirs()): Rival {
  return {
    missing: async () => {
      const missing: Missing[] = [];
      const compiler = await findCompiler(dirs);
      if (compiler === undefined)
        missing.push({
          wanted: name,
          what: `a rustc with the target ${TARGET}`,
          remedy: `apt-get install rustc libstd-rust-dev-wasm32, or rustup target add ${TARGET}`,
        });
      else if (!hasLinker(compiler))
        missing.push({
          wanted: name,
          what: `rust-lld (the linker of ${compiler.rustc})`,
          remedy: "apt-get install lld",
        });
      if ((await cargosIn(dirs)).length === 0)
        missing.push({ wanted: name, what: "cargo", remedy: "apt-get install cargo" });
      return missing;
    },
    build: async () => {
      const compiler = await findCompiler(dirs);
      if (compiler === undefined) throw new Error("rustc is looked for before it is used");
      const { rustc } = compiler;
      const cargos = await cargosIn(dirs);
      const madeWith = `proxy-wasm 0.2.1, ${(await run(rustc, ["--version"])).trim()}`;
      return buildOnce({ name, madeWith, sources: SOURCES, compile: (scratch) => compile(scratch, rustc, cargos) });
    },
  };
}

async function compile(scratch: string, rustc: string, cargos: readonly VersionedTool[]): Promise<string> {
  await cp(SOURCES, scratch, { recursive: true });
  await download(scratch, downloads(cargos));
  // A newer cargo writes one that an older cannot read; all versions are fixed in Cargo.toml.
  await rm(join(scratch, "Cargo.lock"), { force: true });
  await mkdir(join(scratch, ".cargo"));
  await writeFile(join(scratch, ".cargo", "config.toml"), CONFIG);
  const beside = join(dirname(rustc), "cargo");
  const cargo = cargos.find(({ path }) => path === beside) ?? cargos[0];
  if (cargo === undefined) throw new Error("cargo is looked for before it is used");
  const args = ["build", "--release", "--offline", "--target", TARGET, "--target-dir", "target"];
  await run(cargo.path, args, { cwd: scratch, env: { ...process.env, RUSTC: rustc } });
  return join(scratch, "target", TARGET, "release", "filter.wasm");
}

async function download(cwd: string, ways: readonly Download[]): Promise<void> {
  const failures: string[] = [];
  for (const { cargo, args, env } of ways) {
    try {
      await run(cargo, args, { cwd, env: { ...process.env, ...env } });
      return;
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`cargo cannot download the crates:\n${failures.join("\n")}`);
}

interface Compiler {
  rustc: string;
  sysroot: string;
}

async function findCompiler(dirs: readonly string[]): Promise<Compiler | undefined> {
  for (const rustc of findAll("rustc", dirs)) {
    const sysroot = (await attempt(rustc, ["--print", "sysroot"]))?.trim();
    if (sysroot !== undefined && existsSync(join(sysroot, "lib", "rustlib", TARGET, "lib"))) return { rustc, sysroot };
  }
  return undefined;
}

/* Debian has it beside rustc, as a link to a package that rustc only recommends; rustup below the compiler's root. */
function hasLinker({ rustc, sysroot }: Compiler): boolean {
  const hosts = readdirSync(join(sysroot, "lib", "rustlib")).map((host) =>
    join(sysroot, "lib", "rustlib", host, "bin"),
  );
  return findAll("rust-lld", [dirname(rustc), ...hosts]).length > 0;
}

async function cargosIn(dirs: readonly string[]): Promise<VersionedTool[]> {
  const tools: VersionedTool[] = [];
  for (const path of findAll("cargo", dirs)) {
    const version = parseVersion((await attempt(path, ["--version"])) ?? "");
    if (version !== undefined) tools.push({ path, version });
  }
  return tools;
}

/* rustup's commands fail where no toolchain is installed: that is as good as no command. */
async function attempt(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return await run(command, args);
  } catch {
    return undefined;
  }
}
