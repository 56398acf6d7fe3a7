import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { CACHE, ROOT } from "../measure/repository.js";
import { findTool, MissingToolError, run } from "../measure/tools.js";

/* istiod takes minutes, and longer where its modules are not there yet. */
const BUILD_LIMIT_MS = 3_600_000;
const ISTIO = "v0.0.0-20260827124520-eed52ebb66ad";
const XDSLOAD_SOURCES = join(ROOT, "bench", "control-plane", "xdsload");

export interface BuildOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

/** The load, built from its sources in this folder; the file's path. */
export async function buildXdsload(options: BuildOptions): Promise<string> {
  const names = (await readdir(XDSLOAD_SOURCES)).toSorted();
  const hash = createHash("sha256");
  for (const name of names) hash.update(name).update(await readFile(join(XDSLOAD_SOURCES, name)));
  return buildOnce(`xdsload-${hash.digest("hex").slice(0, 16)}`, options, async (go, file) => {
    await go(["build", "-trimpath", "-o", file, "."], XDSLOAD_SOURCES);
  });
}

/** The rival, built from its Go module as it is published; the file's path. */
export function buildIstiod(options: BuildOptions): Promise<string> {
  return buildOnce(`istiod-${ISTIO}`, options, async (go, file, scratch) => {
    await go(["mod", "init", "weft.mesh/bench/istiod"], scratch);
    await go(["mod", "edit", "-require", `istio.io/istio@${ISTIO}`], scratch);
    const { GoMod } = JSON.parse(await go(["mod", "download", "-json", `istio.io/istio@${ISTIO}`], scratch)) as {
      GoMod: string;
    };
    // What a module replaces counts only where it is the main one.
    const { Replace } = JSON.parse(await go(["mod", "edit", "-json", GoMod], scratch)) as { Replace?: Replacement[] };
    for (const { Old, New } of Replace ?? [])
      await go(["mod", "edit", "-replace", `${nameOf(Old)}=${nameOf(New)}`], scratch);
    const target = "istio.io/istio/pilot/cmd/pilot-discovery";
    await go(["build", "-mod=mod", "-trimpath", "-ldflags", "-s -w", "-o", file, target], scratch);
  });
}

interface ModuleVersion {
  readonly Path: string;
  readonly Version?: string;
}

interface Replacement {
  readonly Old: ModuleVersion;
  readonly New: ModuleVersion;
}

const nameOf = ({ Path, Version }: ModuleVersion): string => (Version === undefined ? Path : `${Path}@${Version}`);

type Go = (args: readonly string[], cwd: string) => Promise<string>;

async function buildOnce(
  name: string,
  { signal, onProgress }: BuildOptions,
  build: (go: Go, file: string, scratch: string) => Promise<void>,
): Promise<string> {
  const file = join(CACHE, name);
  if (existsSync(file)) return file;
  const found = findTool("go", { debianPackage: "golang-go", wanted: "control-plane" });
  if (typeof found !== "string") throw new MissingToolError([found]);
  onProgress(`building ${name}, which can take minutes`);
  await mkdir(CACHE, { recursive: true });
  const scratch = await mkdtemp(join(CACHE, "building-"));
  try {
    const built = join(scratch, "built");
    const go: Go = (args, cwd) => run(found, args, { cwd, limitMs: BUILD_LIMIT_MS, signal });
    await build(go, built, scratch);
    await rename(built, file);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return file;
}
