import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import type { RegisteredPlugin } from "../transform/index.js";
import { EMPTY_SCHEMA, type JsonSchema } from "../transform/json-schema.js";
import { compileSource } from "./compile-source.js";
import type { Diagnostic } from "./diagnostic.js";
import type { PluginManifest } from "./manifest.js";
import { type ParsedManifest, parsePluginYaml } from "./parse-plugin-yaml.js";
import { type ModuleFunctions, moduleFunctions, trimNames } from "./wasm-module.js";

export interface CompilePluginOptions {
  /** The folder with plugin.yaml and assembly/index.ts. */
  dir: string;
  /** The folder of `@weft/sdk`. Default: the SDK that this compiler is part of, wherever the plugin is. */
  sdkDir?: string;
  /** Keeps the names of functions, which Envoy prints when a plugin traps. Default true. */
  names?: boolean;
}

export type CompilePluginResult =
  | {
      ok: true;
      wasm: Uint8Array;
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
const MARKER = "proxy_abi_version_0_2_1";
const FRAME = new Set([MARKER, "malloc", "memory", "_initialize"]);

/**
 * Compiles a plugin. The same sources give the same bytes, wherever the folder is. Mistakes of the author are
 * diagnostics; a folder that cannot be read is an Error.
 */
export async function compilePlugin(options: CompilePluginOptions): Promise<CompilePluginResult> {
  const { dir, sdkDir = ownSdkDir(), names = true } = options;
  const text = await readOptional(join(dir, "plugin.yaml"));
  if (text === undefined) return failure(`there is no plugin.yaml in ${dir}`);
  const parsed = parsePluginYaml(text);
  if (!parsed.ok) return parsed;
  if (!existsSync(join(dir, "assembly", "index.ts"))) return failure(`there is no assembly/index.ts in ${dir}`);
  const compiled = await compileSource({ dir, sdkDir });
  if (!compiled.ok) return compiled;

  const wasm = trimNames(compiled.wasm, names);
  const functions = moduleFunctions(wasm);
  const mistakes = check(parsed.manifest, functions, compiled.plugins);
  if (mistakes.length > 0) return { ok: false, diagnostics: [...mistakes, ...compiled.diagnostics] };
  const schema = compiled.plugins.find((plugin) => plugin.rootId === parsed.manifest.rootId)?.schema ?? EMPTY_SCHEMA;
  const manifest = complete(parsed.manifest, functions, schema);
  const pluginYaml = stringify(manifest, { aliasDuplicateObjects: false, lineWidth: 0 });
  return { ok: true, wasm, manifest, pluginYaml, schema, diagnostics: compiled.diagnostics };
}

function check(manifest: ParsedManifest, functions: ModuleFunctions, plugins: RegisteredPlugin[]): Diagnostic[] {
  const mistakes: Diagnostic[] = [];
  const add = (message: string, file?: string): void => {
    mistakes.push({ severity: "error", message, ...(file === undefined ? {} : { file }) });
  };
  if (functions.hasStartSection) add("the module has a start section, which can crash Envoy");
  if (!functions.exports.includes(MARKER)) add(`the module does not export ${MARKER}`);
  if (!plugins.some((plugin) => plugin.rootId === manifest.rootId)) {
    const known = plugins.map((plugin) => `"${plugin.rootId}"`).join(", ");
    add(
      `rootId "${manifest.rootId}" is not registered; ` +
        (known === "" ? `call register<Stream, Config>("${manifest.rootId}")` : `the module registers ${known}`),
      "plugin.yaml",
    );
  }
  const allowed = manifest.capabilities;
  const extra = allowed === undefined ? [] : functions.imports.filter((name) => !allowed.includes(name));
  if (extra.length > 0) add(`the module calls ${extra.join(", ")}, which "capabilities" does not list`, "plugin.yaml");
  return mistakes;
}

/* In the order in which people read it. */
function complete(authored: ParsedManifest, functions: ModuleFunctions, configSchema: JsonSchema): PluginManifest {
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
    capabilities: functions.imports,
    callbacks: functions.exports.filter((exported) => !FRAME.has(exported)),
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
