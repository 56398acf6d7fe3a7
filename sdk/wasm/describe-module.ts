import { ByteReader, type Limits, MalformedModule } from "./byte-reader.js";
import { readCustom, readSections, SECTION } from "./sections.js";

/** Types of a function: letters for the parameters, a colon, letters for the results. `i` is i32, `I` is i64. */
export type Signature = string;

/** What is imported or exported. */
export type ExternalKind = "function" | "table" | "memory" | "global" | "other";

/** One import of a module. */
export interface ModuleImport {
  module: string;
  name: string;
  kind: ExternalKind;
  /** `x:` where it is no function. */
  signature: Signature;
  limits: Limits;
}

/** What a module says of itself; nothing of it is run or compiled. */
export interface ModuleDescription {
  imports: readonly ModuleImport[];
  /** Types of the exported functions, in the order of the module. */
  exports: ReadonlyMap<string, Signature>;
  /** Kinds of everything that is exported. */
  exportKinds: ReadonlyMap<string, ExternalKind>;
  hasStartSection: boolean;
  /** The module's own memory, in pages; undefined where it has none. */
  memory: Limits | undefined;
  /** Bytes of each function's code; the first has the index after the imported functions. */
  codeBytes: readonly number[];
  /** Sections in their order, with the bytes of their content. Custom ones with their name. */
  sections: readonly { id: number; name?: string; bytes: number }[];
}

const KINDS = ["function", "table", "memory", "global"] as const;
const VALUE_TYPES: Record<number, string> = { 127: "i", 126: "I", 125: "f", 124: "F" };
const VECTOR_TYPES = new Set([0x7b, 0x70, 0x6f]);

/** Reads a module's frame. Throws MalformedModule. https://webassembly.github.io/spec/core/binary/modules.html */
export function describeModule(wasm: Uint8Array): ModuleDescription {
  const types: Signature[] = [];
  const functions: Signature[] = [];
  const imports: ModuleImport[] = [];
  const exports = new Map<string, Signature>();
  const exportKinds = new Map<string, ExternalKind>();
  const codeBytes: number[] = [];
  const sections: { id: number; name?: string; bytes: number }[] = [];
  let hasStartSection = false;
  let memory: Limits | undefined;
  for (const { id, payload } of readSections(wasm)) {
    const reader = new ByteReader(payload);
    const each = (read: () => void): void => {
      for (let left = reader.u32(); left > 0; left--) read();
    };
    sections.push({ id, bytes: payload.length, ...(id === SECTION.custom ? { name: readCustom(payload).name } : {}) });
    if (id === SECTION.type) each(() => types.push(readType(reader)));
    else if (id === SECTION.import) {
      each(() => {
        const entry = readImport(reader, types);
        imports.push(entry);
        if (entry.kind === "function") functions.push(entry.signature);
      });
    } else if (id === SECTION.function) each(() => functions.push(types[reader.u32()] ?? "x:"));
    else if (id === SECTION.memory) each(() => (memory = reader.limits()));
    else if (id === SECTION.export) {
      each(() => {
        const name = reader.text();
        const kind = KINDS[reader.byte()] ?? "other";
        const index = reader.u32();
        exportKinds.set(name, kind);
        if (kind === "function") exports.set(name, functions[index] ?? "x:");
      });
    } else if (id === SECTION.start) hasStartSection = true;
    else if (id === SECTION.code) each(() => codeBytes.push(reader.take(reader.u32()).length));
  }
  return { imports, exports, exportKinds, hasStartSection, memory, codeBytes, sections };
}

function readType(reader: ByteReader): Signature {
  if (reader.byte() !== 0x60) return "x:";
  const list = (): string => {
    let text = "";
    for (let left = reader.u32(); left > 0; left--) text += valueType(reader);
    return text;
  };
  const params = list();
  return `${params}:${list()}`;
}

function valueType(reader: ByteReader): string {
  const code = reader.byte();
  const known = VALUE_TYPES[code];
  if (known !== undefined) return known;
  if (!VECTOR_TYPES.has(code)) throw new MalformedModule("it has an unknown value type");
  return "x";
}

function readImport(reader: ByteReader, types: readonly Signature[]): ModuleImport {
  const module = reader.text();
  const name = reader.text();
  const kind = KINDS[reader.byte()] ?? "other";
  const entry: ModuleImport = { module, name, kind, signature: "x:", limits: { initial: 0 } };
  if (kind === "function") entry.signature = types[reader.u32()] ?? "x:";
  else if (kind === "table") {
    reader.byte();
    entry.limits = reader.limits();
  } else if (kind === "memory") entry.limits = reader.limits();
  else if (kind === "global") {
    reader.byte();
    reader.byte();
  }
  return entry;
}
