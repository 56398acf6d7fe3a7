/** The bytes are no Wasm module of version 1. */
export class MalformedModule extends Error {
  /** The class, also where it was loaded twice. */
  override readonly name = "MalformedModule";
  /** To branch on. */
  readonly code = "malformed-module";
}

/** Size of a memory in pages of 64 KiB, or of a table in elements. */
export interface Limits {
  initial: number;
  maximum?: number;
}

/**
 * Reads a Wasm binary forward; what is beyond the end is a MalformedModule.
 * https://webassembly.github.io/spec/core/binary/values.html
 */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get at(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at >= this.#end;
  }

  byte(): number {
    const value = this.#at < this.#end ? this.#bytes[this.#at] : undefined;
    if (value === undefined) throw new MalformedModule("it ends too early");
    this.#at++;
    return value;
  }

  /** An unsigned LEB128 number of at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new MalformedModule("a number has more than 32 bits");
  }

  /** The next `size` bytes. */
  take(size: number): Uint8Array {
    const start = this.#at;
    if (start + size > this.#end) throw new MalformedModule("a part is longer than the whole");
    this.#at += size;
    return this.#bytes.subarray(start, this.#at);
  }

  /** The bytes that are left. */
  rest(): Uint8Array {
    return this.take(this.#end - this.#at);
  }

  text(): string {
    return Buffer.from(this.take(this.u32())).toString("utf8");
  }

  limits(): Limits {
    const hasMaximum = (this.byte() & 1) === 1;
    const initial = this.u32();
    return hasMaximum ? { initial, maximum: this.u32() } : { initial };
  }
}

/** An unsigned LEB128 number. */
export function encodeU32(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(rest >= 0x80 ? (rest & 0x7f) | 0x80 : rest);
    rest = Math.floor(rest / 0x80);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

/** Bytes with their length before them. */
export function encodeSized(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([encodeU32(bytes.length), bytes]);
}
