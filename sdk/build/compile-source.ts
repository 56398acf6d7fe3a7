import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import asc from "assemblyscript/asc";
import { createTransform, ENTRY_FILE, ENTRY_TEXT, type RegisteredPlugin } from "../transform/index.js";
import { type Diagnostic, position, withExcerpt } from "./diagnostic.js";

export interface CompileSourceOptions {
  /** The plugin's folder; its entry is assembly/index.ts. */
  dir: string;
  /** Where `@weft/sdk` is. */
  sdkDir: string;
  /** Not optimised, and with a source map. */
  debug: boolean;
}

export type CompileSourceResult =
  | {
      ok: true;
      wasm: Uint8Array;
      /** With `debug`. Offsets are those of the module's bytes. */
      sourceMap?: string;
      plugins: RegisteredPlugin[];
      diagnostics: Diagnostic[];
    }
  | { ok: false; diagnostics: Diagnostic[] };

const RUNTIME = "~lib/@weft/sdk/assembly/abi/runtime";

/*
 * -O2 with shrink level 1 gives what -O3 gives for these modules, in half the time (sdk/README.md). No start section:
 * Envoy crashes where one calls the host. Assertions stay: a trap with a message beats a silent overrun.
 */
const OPTIMISED = ["--optimizeLevel", "2", "--shrinkLevel", "1"];
const NOT_OPTIMISED = ["--optimizeLevel", "0", "--shrinkLevel", "0", "--sourceMap"];
const FLAGS = [
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
const FIRST_TYPESCRIPT_CODE = 1000;
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

interface AscDiagnostic {
  readonly category: number;
  readonly code: number;
  readonly message: string;
  readonly range: Range | null;
  readonly relatedRange: Range | null;
}

interface Range {
  readonly source: { readonly normalizedPath: string };
  readonly start: number;
  readonly end: number;
}

async function compile({ dir, sdkDir, debug }: CompileSourceOptions): Promise<CompileSourceResult> {
  const texts = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  const collector = await readFile(resolve(sdkDir, "assembly/abi/collector.ts"), "utf8");
  const transform = createTransform({ collector });
  let wasm: Uint8Array | undefined;
  let sourceMap: string | undefined;

  const read = async (file: string): Promise<string | null> => {
    if (file === ENTRY_FILE) return ENTRY_TEXT;
    const compat = COMPAT_PATH.exec(file.replaceAll("\\", "/"))?.[1];
    if (compat !== undefined) return `export * from "@weft/sdk/compat/${compat === "proxy" ? "proxy" : "index"}";`;
    const sdkFile = SDK_PATH.exec(file.replaceAll("\\", "/"))?.[1];
    const text = await readSource(sdkFile === undefined ? resolve(dir, file) : resolve(sdkDir, sdkFile));
    if (text !== null) texts.set(sdkFile === undefined ? file : `~lib/@weft/sdk/${sdkFile}`, text);
    return text;
  };
  const textOf = (file: string): string | undefined => texts.get(file) ?? libraryText(file);
  const flags = [...FLAGS, ...(debug ? NOT_OPTIMISED : OPTIMISED)];
  const { error } = await asc.main([ENTRY_FILE, "--baseDir", dir, "--outFile", "plugin.wasm", ...flags], {
    readFile: read,
    writeFile: (name, contents) => {
      if (name === "plugin.wasm" && typeof contents !== "string") wasm = contents;
      if (name === "plugin.wasm.map") sourceMap = Buffer.from(contents).toString("utf8");
    },
    listFiles: () => [],
    reportDiagnostic: (found) => {
      // asc's own types leave out the second place.
      const { category, code, message, range, relatedRange } = found as unknown as AscDiagnostic;
      const severity = category === ERROR_CATEGORY ? "error" : category === WARNING_CATEGORY ? "warning" : undefined;
      if (severity === undefined) return;
      diagnostics.push({
        ...placed({ severity, message, code: `${code < FIRST_TYPESCRIPT_CODE ? "AS" : "TS"}${code}` }, range, textOf),
        ...related(relatedRange, textOf),
      });
    },
    transforms: [transform as never],
  });

  for (const { message, file, start, end } of transform.result.diagnostics) {
    diagnostics.push(placed({ severity: "error", message }, { source: { normalizedPath: file }, start, end }, textOf));
  }
  const failed = diagnostics.some((diagnostic) => diagnostic.severity === "error");
  if (error !== null && !failed) diagnostics.push({ severity: "error", message: `asc failed: ${error.message}` });
  if (error !== null || failed || wasm === undefined) return { ok: false, diagnostics };
  return {
    ok: true,
    wasm,
    ...(sourceMap === undefined ? {} : { sourceMap }),
    plugins: transform.result.plugins,
    diagnostics,
  };
}

type TextOf = (file: string) => string | undefined;

/* With file, lines and excerpt; as it is where the place is in the generated entry, which the author cannot see. */
function placed(diagnostic: Diagnostic, range: Range | null, textOf: TextOf): Diagnostic {
  if (range === null || range.source.normalizedPath === ENTRY_FILE) return diagnostic;
  const file = range.source.normalizedPath;
  const text = textOf(file);
  if (text === undefined) return { ...diagnostic, file };
  const last = position(text, range.end);
  const note = isConfigName(text, range.start) && diagnostic.code !== undefined ? { note: IN_READER } : {};
  return withExcerpt(
    { ...diagnostic, file, ...position(text, range.start), endLine: last.line, endColumn: last.column, ...note },
    text,
  );
}

function related(range: Range | null, textOf: TextOf): Pick<Diagnostic, "related"> {
  const text = range === null ? undefined : textOf(range.source.normalizedPath);
  if (range === null || text === undefined) return {};
  return { related: { file: range.source.normalizedPath, ...position(text, range.start) } };
}

/* AssemblyScript's own sources. */
function libraryText(file: string): string | undefined {
  return file.startsWith(asc.libraryPrefix)
    ? asc.libraryFiles[file.slice(asc.libraryPrefix.length).replace(/\.ts$/, "")]
    : undefined;
}

/* What asc says of generated methods has the place of the class's name. */
const IN_READER = "the JSON reader is generated from the fields of this @config class; look at their types and rules";

function isConfigName(text: string, offset: number): boolean {
  return /@config\b[^{};]*\bclass\s+$/.test(text.slice(Math.max(0, offset - 500), offset));
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
