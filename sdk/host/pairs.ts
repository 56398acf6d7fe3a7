/*
 * Header maps on the wire: a count, the sizes of each name and value, then names and values, each with a NUL behind it.
 * https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1#serialization
 */
export type Bytes = Uint8Array;
/** Name and value. */
export type Pair = readonly [name: string, value: string];

/** Envoy ignores longer lists; so do we. */
export const MAX_PAIRS_BYTES = 1024 * 1024;
export const MAX_PAIRS = 1024;

/* Header values are bytes; a latin1 string holds one byte per character. */
const ENCODING = "latin1";

export function encodePairs(pairs: readonly Pair[]): Bytes {
  return encodeBytePairs(pairs.map(([name, value]) => [Buffer.from(name, ENCODING), Buffer.from(value, ENCODING)]));
}

export function encodeBytePairs(pairs: readonly (readonly [Bytes, Bytes])[]): Bytes {
  const size = pairs.reduce((sum, [name, value]) => sum + 8 + name.length + 1 + value.length + 1, 4);
  const out = Buffer.alloc(size);
  let at = out.writeUInt32LE(pairs.length, 0);
  for (const [name, value] of pairs) {
    at = out.writeUInt32LE(name.length, at);
    at = out.writeUInt32LE(value.length, at);
  }
  for (const part of pairs.flat()) {
    out.set(part, at);
    at += part.length + 1;
  }
  return out;
}

/** What Envoy makes of the bytes: anything malformed or too large is an empty list. */
export function decodePairs(bytes: Bytes): Pair[] {
  if (bytes.length > MAX_PAIRS_BYTES || bytes.length < 4) return [];
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = data.readUInt32LE(0);
  if (count > MAX_PAIRS || 4 + count * 8 > data.length) return [];
  const pairs: Pair[] = [];
  let at = 4 + count * 8;
  const next = (size: number): string | undefined => {
    const end = at + size;
    if (end + 1 > data.length || data[end] !== 0) return undefined;
    const text = data.toString(ENCODING, at, end);
    at = end + 1;
    return text;
  };
  for (let i = 0; i < count; i++) {
    const name = next(data.readUInt32LE(4 + i * 8));
    const value = name === undefined ? undefined : next(data.readUInt32LE(8 + i * 8));
    if (name === undefined || value === undefined) return [];
    pairs.push([name, value]);
  }
  return at === data.length ? pairs : [];
}
