/*
 * What Envoy looks at in a module before it runs: ABI version, imports and exports with their types, start section,
 * memory, names of functions. https://webassembly.github.io/spec/core/binary/modules.html
 */
import { HostError } from "./errors.js";
import { type AbiVersion, CALLBACKS, formatSignature, hostSignatures, type Signature } from "./signatures.js";
import { compileModule, isCompileError, type WasmModule } from "./wasm-types.js";

interface Import {
  module: string;
  name: string;
  kind: "function" | "table" | "memory" | "global" | "other";
  signature: Signature;
  limits: { initial: number; maximum?: number };
}

export interface LoadedModule {
  wasm: WasmModule;
  abi: AbiVersion;
  imports: readonly Import[];
  /** Types of the exported functions. */
  exports: ReadonlyMap<string, Signature>;
  hasStartSection: boolean;
  /** Pages of the module's own memory; undefined where it has none. */
  memoryPages: number | undefined;
}

const MAGIC = Buffer.from([0, 0x61, 0x73, 0x6d]);
const KINDS = ["function", "table", "memory", "global"] as const;
const VALUE_TYPES: Record<number, string> = { 127: "i", 126: "I", 125: "f", 124: "F" };
const VECTOR_TYPES = new Set([0x7b, 0x70, 0x6f]);

class Reader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    const value = this.at < this.end ? this.bytes[this.at] : undefined;
    if (value === undefined) throw new HostError("MODULE", "Failed to parse corrupted Wasm module");
    this.at++;
    return value;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new HostError("MODULE", "Failed to parse corrupted Wasm module");
  }

  text(): string {
    const size = this.u32();
    if (this.at + size > this.end) throw new HostError("MODULE", "Failed to parse corrupted Wasm module");
    this.at += size;
    return Buffer.from(this.bytes.subarray(this.at - size, this.at)).toString("utf8");
  }

  limits(): { initial: number; maximum?: number } {
    const flags = this.byte();
    const initial = this.u32();
    return (flags & 1) === 0 ? { initial } : { initial, maximum: this.u32() };
  }
}

/** Parses, checks and compiles a module. HostError MODULE in Envoy's words where Envoy refuses it. */
export function loadModule(bytes: Uint8Array): LoadedModule {
  if (bytes.length < 8 || !MAGIC.equals(bytes.subarray(0, 4))) {
    throw new HostError("MODULE", "Failed to parse corrupted Wasm module: it does not begin with the Wasm magic");
  }
  const parsed = parse(bytes);
  const abi = abiVersion(parsed.exports);
  const wasm = compile(bytes);
  const loaded: LoadedModule = { ...parsed, wasm, abi };
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

function parse(bytes: Uint8Array): Omit<LoadedModule, "wasm" | "abi"> {
  const types: Signature[] = [];
  const functions: Signature[] = [];
  const imports: Import[] = [];
  const exports = new Map<string, Signature>();
  let hasStartSection = false;
  let memoryPages: number | undefined;
  const top = new Reader(bytes, 8);
  while (top.at < top.end) {
    const id = top.byte();
    const size = top.u32();
    if (top.at + size > top.end) throw new HostError("MODULE", "Failed to parse corrupted Wasm module");
    const section = new Reader(bytes, top.at, top.at + size);
    top.at += size;
    const each = (read: () => void): void => {
      for (let left = section.u32(); left > 0; left--) read();
    };
    if (id === 1) each(() => types.push(readType(section)));
    else if (id === 2) {
      each(() => {
        const entry = readImport(section, types);
        imports.push(entry);
        if (entry.kind === "function") functions.push(entry.signature);
      });
    } else if (id === 3) each(() => functions.push(types[section.u32()] ?? "x:"));
    else if (id === 5) each(() => (memoryPages = section.limits().initial));
    else if (id === 7) {
      each(() => {
        const name = section.text();
        const kind = section.byte();
        const index = section.u32();
        if (kind === 0) exports.set(name, functions[index] ?? "x:");
      });
    } else if (id === 8) hasStartSection = true;
  }
  return { imports, exports, hasStartSection, memoryPages };
}

function readType(section: Reader): Signature {
  if (section.byte() !== 0x60) return "x:";
  const list = (): string => {
    let text = "";
    for (let left = section.u32(); left > 0; left--) text += valueType(section);
    return text;
  };
  const params = list();
  return `${params}:${list()}`;
}

function valueType(section: Reader): string {
  const code = section.byte();
  const known = VALUE_TYPES[code];
  if (known !== undefined) return known;
  if (!VECTOR_TYPES.has(code)) throw new HostError("MODULE", "Failed to load Wasm bytecode: an unknown value type");
  return "x";
}

function readImport(section: Reader, types: readonly Signature[]): Import {
  const module = section.text();
  const name = section.text();
  const kind = KINDS[section.byte()] ?? "other";
  const entry: Import = { module, name, kind, signature: "x:", limits: { initial: 0 } };
  if (kind === "function") entry.signature = types[section.u32()] ?? "x:";
  else if (kind === "table") {
    section.byte();
    entry.limits = section.limits();
  } else if (kind === "memory") entry.limits = section.limits();
  else if (kind === "global") {
    section.byte();
    section.byte();
  }
  return entry;
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
  for (const { module, name, kind, signature } of imports) {
    if (kind === "memory" || kind === "table") continue;
    const full = `${module}.${name}`;
    const ours = kind === "function" ? known.get(full) : undefined;
    if (ours === undefined) {
      throw new HostError("MODULE", `Failed to load Wasm module due to a missing import: ${full}`);
    }
    if (ours !== signature) {
      const types = `want: ${formatSignature(signature)}, but host exports: ${formatSignature(ours)}`;
      throw new HostError("MODULE", `Failed to load Wasm module due to an import type mismatch: ${full}, ${types}`);
    }
  }
}

function checkExports({ exports }: LoadedModule): void {
  for (const [name, signature] of exports) {
    const wanted = CALLBACKS[name];
    // Envoy looks up main only beside _initialize, and proxy_on_memory_allocate only where malloc is missing.
    if (wanted === undefined || (name.includes("main") && !exports.has("_initialize"))) continue;
    if (name === "proxy_on_memory_allocate" && exports.has("malloc")) continue;
    if (name === "_start" && exports.has("_initialize")) continue;
    if (wanted !== signature) {
      const types = `want: ${formatSignature(wanted)}, but the module exports: ${formatSignature(signature)}`;
      throw new HostError("MODULE", `Bad function signature for: ${name}, ${types}`);
    }
  }
  if (!exports.has("malloc") && !exports.has("proxy_on_memory_allocate")) {
    throw new HostError("MODULE", "Wasm module is missing malloc function.");
  }
}
