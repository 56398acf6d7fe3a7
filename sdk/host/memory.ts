import type { WasmMemory } from "./wasm-types.js";

const MAX_ADDRESS = 0xffff_ffff;

/** The guest's linear memory. Everything that reads or writes it is here. */
export class GuestMemory {
  readonly #memory: WasmMemory;

  constructor(memory: WasmMemory) {
    this.#memory = memory;
  }

  get byteLength(): number {
    return this.#memory.buffer.byteLength;
  }

  /** A copy of the bytes, or undefined where they are not all inside the memory. */
  read(pointer: number, size: number): Buffer | undefined {
    if (!this.#inside(pointer, size)) return undefined;
    return Buffer.from(Buffer.from(this.#memory.buffer, pointer >>> 0, size >>> 0));
  }

  write(pointer: number, bytes: Uint8Array): boolean {
    if (!this.#inside(pointer, bytes.length)) return false;
    new Uint8Array(this.#memory.buffer).set(bytes, pointer >>> 0);
    return true;
  }

  writeU32(pointer: number, value: number): boolean {
    if (!this.#inside(pointer, 4)) return false;
    new DataView(this.#memory.buffer).setUint32(pointer >>> 0, value >>> 0, true);
    return true;
  }

  writeU64(pointer: number, value: bigint): boolean {
    if (!this.#inside(pointer, 8)) return false;
    new DataView(this.#memory.buffer).setBigUint64(pointer >>> 0, BigInt.asUintN(64, value), true);
    return true;
  }

  readU32(pointer: number): number | undefined {
    return this.#inside(pointer, 4) ? new DataView(this.#memory.buffer).getUint32(pointer >>> 0, true) : undefined;
  }

  #inside(pointer: number, size: number): boolean {
    const end = (pointer >>> 0) + (size >>> 0);
    return end <= MAX_ADDRESS && end <= this.byteLength;
  }
}
