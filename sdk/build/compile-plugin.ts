import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import type { RegisteredPlugin } from "../transform/index.js";
import { EMPTY_SCHEMA, type JsonSchema } from "../transform/json-schema.js";
import { describeModule, type ModuleDescription } from "../wasm/describe-module.js";
import { trimNames } from "../wasm/function-names.js";
import { type Diagnostic, withExcerpt } from "./diagnostic.js";
import type { PluginManifest } from "./manifest.js";
import { fieldPosition, type ParsedManifest, parsePluginYaml } from "./parse-plugin-yaml.js";

/** What is compiled, and how. */
export interface CompilePluginOptions {
  /** The folder with plugin.yaml and assembly/index.ts. */
  dir: string;
  /** The folder of `@weft/sdk`. Default: the SDK that this compiler is part of, wherever the plugin is. */
  sdkDir?: string;
  /** Keeps the names of functions, which Envoy prints when a plugin traps. Default true. */
  names?: boolean;
  /** Not optimised, with all names as asc gives them and a source map. For looking into a plugin, not for shipping. */
  debug?: boolean;
}

/** The module and its manifest, or what is wrong. */
export type CompilePluginResult =
  | {
      ok: true;
      wasm: Uint8Array;
      /** With `debug`: lines of the sources for offsets in the module, as Envoy's backtraces have them. */
      sourceMap?: string;
      manifest: PluginManifest;
      /** `manifest` as YAML, in a fixed order: the plugin.yaml of the image. */
      pluginYaml: string;
      /** JSON Schema of the configuration; `manifest.configSchema`. */
      schema: JsonSchema;
      /** Warnings. */
      diagnostics: Diagnostic[];
    }
  | { ok: false; diagnostics: Diagnostic[] };

const SDK_NAME = "@weft/sdk";
const MANIFEST = "plugin.yaml";
const MARKER = "proxy_abi_version_0_2_1";
const FRAME = new Set([MARKER, "malloc", "_initialize"]);

/**
 * Compiles a plugin. The same sources give the same bytes, wherever the folder is. Mistakes of the author are
 * diagnostics; a folder that cannot be read is an Error.
 */
export async function compilePlugin(options: CompilePluginOptions): Promise<CompilePluginResult> {
  const { dir, sdkDir = ownSdkDir(), names = true, debug = false } = options;
  const text = await readOptional(join(dir, MANIFEST));
  if (text === undefined) return failure(`there is no ${MANIFEST} in ${dir}`);
  const parsed = parsePluginYaml(text);
  if (!parsed.ok) return { ok: false, diagnostics: parsed.diagnostics.map((found) => withExcerpt(found, text)) };
  if (!existsSync(join(dir, "assembly", "index.ts"))) return failure(`there is no assembly/index.ts in ${dir}`);
  // The compiler is large, and most of what imports this module compiles nothing.
  const { compileSource } = await import("./compile-source.js");
  const compiled = await compileSource({ dir, sdkDir, debug });
  const written = writtenByBuild(parsed.manifest, text);
  if (!compiled.ok) return { ok: false, diagnostics: [...written, ...compiled.diagnostics] };

  const wasm = debug ? compiled.wasm : trimNames(compiled.wasm, names);
  const description = describeModule(wasm);
  const diagnostics = [...written, ...compiled.diagnostics];
  const mistakes = check(parsed.manifest, text, description, compiled.plugins);
  if (mistakes.length > 0) return { ok: false, diagnostics: [...mistakes, ...diagnostics] };
  const schema = compiled.plugins.find((plugin) => plugin.rootId === parsed.manifest.rootId)?.schema ?? EMPTY_SCHEMA;
  const manifest = complete(parsed.manifest, description, schema);
  const pluginYaml = stringify(manifest, { aliasDuplicateObjects: false, lineWidth: 0 });
  const { sourceMap } = compiled;
  return {
    ok: true,
    wasm,
    ...(sourceMap === undefined ? {} : { sourceMap }),
    manifest,
    pluginYaml,
    schema,
    diagnostics,
  };
}

function check(
  manifest: ParsedManifest,
  text: string,
  description: ModuleDescription,
  plugins: RegisteredPlugin[],
): Diagnostic[] {
  const mistakes: Diagnostic[] = [];
  const add = (message: string): void => void mistakes.push({ severity: "error", message });
  const addField = (message: string, ...fields: string[]): void => {
    mistakes.push(manifestDiagnostic("error", message, text, fields));
  };
  if (description.hasStartSection) add("the module has a start section, which can crash Envoy");
  if (!description.exports.has(MARKER)) add(`the module does not export ${MARKER}`);
  if (!plugins.some((plugin) => plugin.rootId === manifest.rootId)) {
    const known = plugins.map((plugin) => `"${plugin.rootId}"`).join(", ");
    // Without a rootId, the name is it.
    addField(
      `rootId "${manifest.rootId}" is not registered; ` +
        (known === "" ? `call register<Stream, Config>("${manifest.rootId}")` : `the module registers ${known}`),
      "rootId",
      "name",
    );
  }
  const allowed = manifest.capabilities;
  const extra = allowed === undefined ? [] : importedFunctions(description).filter((name) => !allowed.includes(name));
  if (extra.length > 0) {
    addField(`the module calls ${extra.join(", ")}, which "capabilities" does not list`, "capabilities");
  }
  return mistakes;
}

/* What the author writes and the build replaces. */
function writtenByBuild(manifest: ParsedManifest, text: string): Diagnostic[] {
  return (["sdk", "callbacks", "configSchema"] as const).flatMap((field) =>
    manifest[field] === undefined
      ? []
      : [
          manifestDiagnostic("warning", `field "${field}" is written by the build; this one is not used`, text, [
            field,
          ]),
        ],
  );
}

/* At the first of these fields that is there. */
function manifestDiagnostic(
  severity: Diagnostic["severity"],
  message: string,
  text: string,
  fields: readonly string[],
): Diagnostic {
  const place = fields.map((field) => fieldPosition(text, [field])).find((found) => found !== undefined);
  return withExcerpt({ severity, file: MANIFEST, ...place, message }, text);
}

function importedFunctions({ imports }: ModuleDescription): string[] {
  return imports
    .filter(({ kind }) => kind === "function")
    .map(({ name }) => name)
    .sort();
}

/* In the order in which people read it. */
function complete(authored: ParsedManifest, module: ModuleDescription, configSchema: JsonSchema): PluginManifest {
  const { name, version, description, rootId, abi, side, phase, stateVersion, requires, metrics } = authored;
  return {
    name,
    version,
    ...(description === undefined ? {} : { description }),
    rootId,
    abi,
    side,
    phase,
    stateVersion,
    requires,
    metrics,
    sdk: { name: SDK_NAME, version: sdkVersion() },
    capabilities: importedFunctions(module),
    callbacks: [...module.exports.keys()].filter((exported) => !FRAME.has(exported)).sort(),
    configSchema,
  };
}

function failure(message: string): { ok: false; diagnostics: Diagnostic[] } {
  return { ok: false, diagnostics: [{ severity: "error", message }] };
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function sdkVersion(): string {
  const { version } = JSON.parse(readFileSync(join(ownSdkDir(), "package.json"), "utf8")) as { version: string };
  return version;
}

/* Up from this file, compiled or not, to the package's own folder. */
function ownSdkDir(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    const file = join(dir, "package.json");
    if (existsSync(file)) {
      const { name } = JSON.parse(readFileSync(file, "utf8")) as { name?: unknown };
      if (name === SDK_NAME) return dir;
    }
    if (dir === dirname(dir)) throw new Error("@weft/sdk cannot find its own package.json");
  }
}
