/** What the static checks need of a module. https://webassembly.github.io/spec/core/binary/modules.html */
export interface WasmBinary {
  readonly hasStart: boolean;
  readonly imports: readonly WasmImport[];
  /** Names of exported functions. */
  readonly exports: ReadonlySet<string>;
}

export interface WasmImport {
  readonly module: string;
  readonly name: string;
  /** Parameters and results as one text, `(i32,i32)->(i32)`; undefined for what is not a function. */
  readonly signature?: string;
}

const IMPORT_SECTION = 2;
const EXPORT_SECTION = 7;
const TYPE_SECTION = 1;
const START_SECTION = 8;

const VALUE_TYPES: Readonly<Record<number, string>> = { 127: "i32", 126: "i64", 125: "f32", 124: "f64" };

/** Reads a module's sections; undefined when the bytes are not a well-formed Wasm module of version 1. */
export function readWasmBinary(bytes: Uint8Array): WasmBinary | undefined {
  try {
    return readSections(new Reader(bytes));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readSections(reader: Reader): WasmBinary {
  if (reader.u32le() !== 0x6d736100 || reader.u32le() !== 1) throw new RangeError("not a Wasm module of version 1");
  let hasStart = false;
  let types: string[] = [];
  let imports: WasmImport[] = [];
  const exports = new Set<string>();
  while (!reader.atEnd) {
    const id = reader.byte();
    const section = reader.part(reader.leb());
    if (id === START_SECTION) hasStart = true;
    else if (id === TYPE_SECTION) types = section.list(() => functionType(section));
    else if (id === IMPORT_SECTION) imports = section.list(() => importEntry(section, types));
    else if (id === EXPORT_SECTION)
      for (const { name, isFunction } of section.list(() => exportEntry(section))) if (isFunction) exports.add(name);
  }
  return { hasStart, imports, exports };
}

function functionType(reader: Reader): string {
  if (reader.byte() !== 0x60) throw new RangeError("a type that is not a function's");
  const values = () => reader.list(() => VALUE_TYPES[reader.byte()] ?? "?").join(",");
  const parameters = values();
  return `(${parameters})->(${values()})`;
}

function importEntry(reader: Reader, types: readonly string[]): WasmImport {
  const module = reader.text();
  const name = reader.text();
  const kind = reader.byte();
  if (kind === 0) {
    const signature = types[reader.leb()];
    if (signature === undefined) throw new RangeError("an import of an unknown type");
    return { module, name, signature };
  }
  if (kind === 1) reader.byte();
  if (kind === 1 || kind === 2) {
    const hasMaximum = (reader.leb() & 1) === 1;
    reader.leb();
    if (hasMaximum) reader.leb();
  } else if (kind === 3) reader.part(2);
  else throw new RangeError("an import of an unknown kind");
  return { module, name };
}

function exportEntry(reader: Reader): { name: string; isFunction: boolean } {
  const name = reader.text();
  const isFunction = reader.byte() === 0;
  reader.leb();
  return { name, isFunction };
}

/** Reads forward; whatever is beyond the end is a RangeError. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new RangeError("the module ends too early");
    return value;
  }

  u32le(): number {
    return (this.byte() | (this.byte() << 8) | (this.byte() << 16) | (this.byte() << 24)) >>> 0;
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  leb(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a number of more than 32 bits");
  }

  part(size: number): Reader {
    if (this.#at + size > this.#bytes.length) throw new RangeError("a section that is longer than the module");
    const part = new Reader(this.#bytes.subarray(this.#at, this.#at + size));
    this.#at += size;
    return part;
  }

  list<T>(read: () => T): T[] {
    const length = this.leb();
    if (length > this.#bytes.length) throw new RangeError("a list that is longer than the module");
    return Array.from({ length }, read);
  }

  text(): string {
    return new TextDecoder("utf-8", { fatal: false }).decode(this.part(this.leb()).#bytes);
  }
}
