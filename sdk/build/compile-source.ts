import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import asc from "assemblyscript/asc";
import { createTransform, ENTRY_FILE, ENTRY_TEXT, type RegisteredPlugin } from "../transform/index.js";
import { type Diagnostic, position } from "./diagnostic.js";

export interface CompileSourceOptions {
  /** The plugin's folder; its entry is assembly/index.ts. */
  dir: string;
  /** Where `@weft/sdk` is. */
  sdkDir: string;
}

export type CompileSourceResult =
  | { ok: true; wasm: Uint8Array; plugins: RegisteredPlugin[]; diagnostics: Diagnostic[] }
  | { ok: false; diagnostics: Diagnostic[] };

const RUNTIME = "~lib/@weft/sdk/assembly/abi/runtime";

/*
 * -O2 with shrink level 1 gives what -O3 gives for these modules, in half the time (sdk/README.md). No start section:
 * Envoy crashes where one calls the host. Assertions stay: a trap with a message beats a silent overrun.
 */
const FLAGS = [
  "--optimizeLevel",
  "2",
  "--shrinkLevel",
  "1",
  "--runtime",
  "minimal",
  "--exportStart",
  "_initialize",
  "--debug",
  ...["abort", "seed", "trace"].flatMap((name) => ["--use", `${name}=${RUNTIME}/${name}`]),
];

const SDK_PATH = /(?:^|\/)node_modules\/@weft\/sdk\/(.+)$/;
/*
 * The package that older plugins import; its files are ours. The names of its modules are those of its sources, with
 * `assembly/` or without.
 */
const COMPAT_PATH = /(?:^|\/)node_modules\/@solo-io\/proxy-runtime\/(?:assembly\/)?(index|proxy|runtime)\.ts$/;
const ERROR_CATEGORY = 3;
const WARNING_CATEGORY = 2;
const MAX_SOURCE_BYTES = 4 * 1024 * 1024;

/* asc keeps state in its optimiser: one compilation at a time. */
let last: Promise<unknown> = Promise.resolve();

export function compileSource(options: CompileSourceOptions): Promise<CompileSourceResult> {
  const next = last.then(
    () => compile(options),
    () => compile(options),
  );
  last = next;
  return next;
}

async function compile({ dir, sdkDir }: CompileSourceOptions): Promise<CompileSourceResult> {
  const texts = new Map<string, string>([[ENTRY_FILE, ENTRY_TEXT]]);
  const diagnostics: Diagnostic[] = [];
  const collector = await readFile(resolve(sdkDir, "assembly/abi/collector.ts"), "utf8");
  const transform = createTransform({ collector });
  let wasm: Uint8Array | undefined;

  const read = async (file: string): Promise<string | null> => {
    if (file === ENTRY_FILE) return ENTRY_TEXT;
    const compat = COMPAT_PATH.exec(file.replaceAll("\\", "/"))?.[1];
    if (compat !== undefined) return `export * from "@weft/sdk/compat/${compat === "proxy" ? "proxy" : "index"}";`;
    const sdkFile = SDK_PATH.exec(file.replaceAll("\\", "/"))?.[1];
    const text = await readSource(sdkFile === undefined ? resolve(dir, file) : resolve(sdkDir, sdkFile));
    if (text !== null) texts.set(sdkFile === undefined ? file : `~lib/@weft/sdk/${sdkFile}`, text);
    return text;
  };
  const add = (severity: Diagnostic["severity"], message: string, file?: string, start = 0): void => {
    const text = file === undefined ? undefined : texts.get(file);
    diagnostics.push({
      severity,
      ...(file === undefined || file === ENTRY_FILE ? {} : { file }),
      ...(text === undefined || file === ENTRY_FILE ? {} : position(text, start)),
      message,
    });
  };

  const { error } = await asc.main([ENTRY_FILE, "--baseDir", dir, "--outFile", "plugin.wasm", ...FLAGS], {
    readFile: read,
    writeFile: (name, contents) => {
      if (name === "plugin.wasm" && typeof contents !== "string") wasm = contents;
    },
    listFiles: () => [],
    reportDiagnostic: ({ category, message, range }) => {
      const severity = category === ERROR_CATEGORY ? "error" : category === WARNING_CATEGORY ? "warning" : undefined;
      if (severity !== undefined) add(severity, message, range?.source.normalizedPath, range?.start);
    },
    transforms: [transform as never],
  });

  for (const found of transform.result.diagnostics) add("error", found.message, found.file, found.start);
  const failed = diagnostics.some((diagnostic) => diagnostic.severity === "error");
  if (error !== null && !failed) add("error", `asc failed: ${error.message}`);
  if (error !== null || failed || wasm === undefined) return { ok: false, diagnostics };
  return { ok: true, wasm, plugins: transform.result.plugins, diagnostics };
}

/* asc asks for many files that are not there; a file that is there and cannot be read is another matter. */
async function readSource(path: string): Promise<string | null> {
  try {
    const text = await readFile(path, "utf8");
    if (text.length > MAX_SOURCE_BYTES) throw new Error(`${path} is larger than ${MAX_SOURCE_BYTES} characters`);
    return text;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return null;
    throw error;
  }
}
