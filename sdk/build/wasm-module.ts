/** Reads and writes the frame of a Wasm binary. https://webassembly.github.io/spec/core/binary/modules.html */
export interface Section {
  id: number;
  payload: Uint8Array;
}

export interface ModuleFunctions {
  /** Imported functions by name; the import module (env, WASI) is not part of it. */
  imports: string[];
  exports: string[];
  hasStartSection: boolean;
}

/* Node has it; its types come with the DOM's, which this package does not want. */
interface ModuleEntry {
  name: string;
  kind: string;
}
declare const WebAssembly: {
  Module: {
    new (bytes: Uint8Array): object;
    imports(module: object): ModuleEntry[];
    exports(module: object): ModuleEntry[];
  };
};

const HEADER_BYTES = 8;
const CUSTOM = 0;
const START = 8;
const FUNCTION_NAMES = 1;

export function readSections(wasm: Uint8Array): Section[] {
  const sections: Section[] = [];
  let at = HEADER_BYTES;
  while (at < wasm.length) {
    const id = wasm[at] ?? 0;
    const size = readUnsigned(wasm, at + 1);
    sections.push({ id, payload: wasm.subarray(size.next, size.next + size.value) });
    at = size.next + size.value;
  }
  return sections;
}

export function writeSections(wasm: Uint8Array, sections: readonly Section[]): Uint8Array {
  const parts = sections.flatMap(({ id, payload }) => [[id], writeUnsigned(payload.length), payload]);
  return Buffer.concat([wasm.subarray(0, HEADER_BYTES), ...parts.map((part) => Uint8Array.from(part))]);
}

/** Compiles the module to look at it; nothing of it runs. */
export function moduleFunctions(wasm: Uint8Array): ModuleFunctions {
  const module = new WebAssembly.Module(wasm);
  return {
    imports: WebAssembly.Module.imports(module)
      .filter((entry) => entry.kind === "function")
      .map((entry) => entry.name)
      .sort(),
    exports: WebAssembly.Module.exports(module)
      .map((entry) => entry.name)
      .sort(),
    hasStartSection: readSections(wasm).some((section) => section.id === START),
  };
}

/**
 * Keeps of the name section what Envoy's backtraces print, the names of functions, and makes them short: they are a
 * fifth of a small module. Without `keep`, no name stays.
 */
export function trimNames(wasm: Uint8Array, keep: boolean): Uint8Array {
  const sections = readSections(wasm).flatMap((section) => {
    if (section.id !== CUSTOM || customName(section.payload).name !== "name") return [section];
    return keep ? [{ id: CUSTOM, payload: shortNames(section.payload) }] : [];
  });
  return writeSections(wasm, sections);
}

function customName(payload: Uint8Array): { name: string; next: number } {
  const size = readUnsigned(payload, 0);
  const next = size.next + size.value;
  return { name: Buffer.from(payload.subarray(size.next, next)).toString("utf8"), next };
}

function shortNames(payload: Uint8Array): Uint8Array {
  let at = customName(payload).next;
  while (at < payload.length) {
    const size = readUnsigned(payload, at + 1);
    if (payload[at] === FUNCTION_NAMES) {
      const names = shortenAll(payload, size.next);
      return Buffer.concat([sized(Buffer.from("name")), Buffer.from([FUNCTION_NAMES]), sized(names)]);
    }
    at = size.next + size.value;
  }
  return payload;
}

function shortenAll(payload: Uint8Array, start: number): Buffer {
  const count = readUnsigned(payload, start);
  const parts: Uint8Array[] = [writeUnsigned(count.value)];
  let at = count.next;
  for (let i = 0; i < count.value; i++) {
    const index = readUnsigned(payload, at);
    const size = readUnsigned(payload, index.next);
    at = size.next + size.value;
    const name = Buffer.from(payload.subarray(size.next, at)).toString("utf8");
    parts.push(writeUnsigned(index.value), sized(Buffer.from(shorten(name))));
  }
  return Buffer.concat(parts);
}

/*
 * `~lib/@weft/sdk/assembly/log/Log#info` becomes `Log#info`. The author's own names keep their file, without the type
 * arguments of what is generic.
 */
function shorten(name: string): string {
  const plain = name.startsWith("~lib/") ? name.slice(name.search(/[^/]*(?:<|$)/)) : name.replace(/^assembly\//, "");
  return plain.replaceAll(/~anonymous\|/g, "~").replaceAll(/[\w-]+\/(?=[^<>]*>)/g, "");
}

function sized(bytes: Uint8Array): Buffer {
  return Buffer.concat([writeUnsigned(bytes.length), bytes]);
}

function readUnsigned(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  for (let i = 0; ; i++) {
    const byte = bytes[at + i] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, next: at + i + 1 };
  }
}

function writeUnsigned(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(rest >= 0x80 ? (rest & 0x7f) | 0x80 : rest);
    rest = Math.floor(rest / 0x80);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}
