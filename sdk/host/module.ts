/*
 * What Envoy looks at in a module before it runs: ABI version, imports and exports with their types, start section,
 * memory, names of functions. https://webassembly.github.io/spec/core/binary/modules.html
 */
import { MalformedModule } from "../wasm/byte-reader.js";
import { describeModule, type ModuleDescription, type ModuleImport } from "../wasm/describe-module.js";
import { HostError } from "./errors.js";
import { type AbiVersion, CALLBACKS, formatSignature, hostSignatures, type Signature } from "./signatures.js";
import { compileModule, isCompileError, type WasmModule } from "./wasm-types.js";

export interface LoadedModule extends ModuleDescription {
  wasm: WasmModule;
  abi: AbiVersion;
}

/** Parses, checks and compiles a module. HostError MODULE in Envoy's words where Envoy refuses it. */
export function loadModule(bytes: Uint8Array): LoadedModule {
  const described = describe(bytes);
  const abi = abiVersion(described.exports);
  const wasm = compile(bytes);
  const loaded: LoadedModule = { ...described, wasm, abi };
  checkImports(loaded);
  checkExports(loaded);
  return loaded;
}

function compile(bytes: Uint8Array): WasmModule {
  try {
    return compileModule(bytes);
  } catch (error) {
    if (!isCompileError(error)) throw error;
    throw new HostError("COMPILE", `Failed to load Wasm bytecode: ${error.message}`, { cause: error });
  }
}

function describe(bytes: Uint8Array): ModuleDescription {
  try {
    return describeModule(bytes);
  } catch (error) {
    if (!(error instanceof MalformedModule)) throw error;
    throw new HostError("MODULE", `Failed to parse corrupted Wasm module: ${error.message}`, { cause: error });
  }
}

function abiVersion(exports: ReadonlyMap<string, Signature>): AbiVersion {
  for (const name of exports.keys()) {
    if (name === "proxy_abi_version_0_2_0") return "0.2.0";
    if (name === "proxy_abi_version_0_2_1") return "0.2.1";
    if (name === "proxy_abi_version_0_1_0") {
      throw new HostError("MODULE", "the module is of ABI 0.1.0; this host runs 0.2.0 and 0.2.1");
    }
  }
  throw new HostError("MODULE", "Missing or unknown Proxy-Wasm ABI version");
}

function checkImports({ abi, imports }: LoadedModule): void {
  const known = hostSignatures(abi);
  for (const entry of imports) {
    const problem = importProblem(entry, known);
    if (problem !== undefined) throw new HostError("MODULE", `Failed to load Wasm module due to ${problem}`);
  }
}

/** Why Envoy does not link this import, in its words; undefined where it does. */
export function importProblem(
  { module, name, kind, signature }: ModuleImport,
  known: ReadonlyMap<string, Signature>,
): string | undefined {
  if (kind === "memory" || kind === "table") return undefined;
  const full = `${module}.${name}`;
  const ours = kind === "function" ? known.get(full) : undefined;
  if (ours === undefined) return `a missing import: ${full}`;
  if (ours === signature) return undefined;
  const types = `want: ${formatSignature(signature)}, but host exports: ${formatSignature(ours)}`;
  return `an import type mismatch: ${full}, ${types}`;
}

function checkExports({ exports }: LoadedModule): void {
  const [problem] = exportProblems(exports);
  if (problem !== undefined) throw new HostError("MODULE", problem);
}

/** What Envoy does not take of the exports, in its words. */
export function exportProblems(exports: ReadonlyMap<string, Signature>): string[] {
  const problems: string[] = [];
  for (const [name, signature] of exports) {
    const wanted = CALLBACKS[name];
    // Envoy looks up main only beside _initialize, and proxy_on_memory_allocate only where malloc is missing.
    if (wanted === undefined || (name.includes("main") && !exports.has("_initialize"))) continue;
    if (name === "proxy_on_memory_allocate" && exports.has("malloc")) continue;
    if (name === "_start" && exports.has("_initialize")) continue;
    if (wanted !== signature) {
      const types = `want: ${formatSignature(wanted)}, but the module exports: ${formatSignature(signature)}`;
      problems.push(`Bad function signature for: ${name}, ${types}`);
    }
  }
  if (!exports.has("malloc") && !exports.has("proxy_on_memory_allocate")) {
    problems.push("Wasm module is missing malloc function.");
  }
  return problems;
}
