import { HostError } from "./errors.js";
import { PAGE_BYTES } from "./wasm-types.js";

const MEMORY_SECTION = 5;

/** The module with a memory maximum: what it asks for beyond that is refused. HostError MODULE where it begins above. */
export function limitMemory(wasm: Uint8Array, maxBytes: number): Uint8Array {
  const maximum = Math.floor(maxBytes / PAGE_BYTES);
  let at = 8;
  while (at < wasm.length) {
    const id = wasm[at];
    const size = varint(wasm, at + 1);
    const end = size.next + size.value;
    if (id === MEMORY_SECTION) return replaced(wasm, at, size.next, end, maximum);
    at = end;
  }
  return wasm;
}

function replaced(wasm: Uint8Array, start: number, body: number, end: number, maximum: number): Uint8Array {
  const count = varint(wasm, body);
  if (count.value !== 1) return wasm;
  const flags = wasm[count.next] ?? 0;
  const initial = varint(wasm, count.next + 1);
  const own = (flags & 1) === 0 ? maximum : varint(wasm, initial.next).value;
  if (initial.value > maximum) {
    const wanted = initial.value * PAGE_BYTES;
    throw new HostError(
      "MODULE",
      `the module begins with ${wanted} bytes of memory; ${maximum * PAGE_BYTES} are allowed`,
    );
  }
  const payload = [1, 1, ...encode(initial.value), ...encode(Math.min(own, maximum))];
  const section = [MEMORY_SECTION, ...encode(payload.length), ...payload];
  return Buffer.concat([wasm.subarray(0, start), Uint8Array.from(section), wasm.subarray(end)]);
}

function varint(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  for (let i = 0; i < 5; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, next: at + i + 1 };
  }
  throw new HostError("MODULE", "Failed to parse corrupted Wasm module");
}

function encode(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...encode(Math.floor(value / 0x80))];
}
