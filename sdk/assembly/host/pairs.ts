/*
 * Lists of names and values as the ABI has them: u32 count, count * (u32 name size, u32 value size), then name NUL
 * value NUL each.
 */
import { allocate } from "../abi/arena";
import { decode, writeUtf8 } from "../abi/text";

/** The size of what `serialize` returned last. */
export let serializedSize: usize = 0;

/** `entries` are names and values in turn. The result is valid until the callback ends. */
export function serialize(entries: string[]): usize {
  const count = entries.length & ~1;
  let total: usize = 4 + ((<usize>count) << 2);
  for (let i = 0; i < count; i++) total += <usize>entries[i].length * 3 + 1;
  const pairs = allocate(total);
  store<u32>(pairs, count >> 1);
  let data = pairs + 4 + ((<usize>count) << 2);
  for (let i = 0; i < count; i++) {
    const text = entries[i];
    const size = writeUtf8(text, text.length, data);
    store<u32>(pairs + 4 + ((<usize>i) << 2), <u32>size);
    store<u8>(data + size, 0);
    data += size + 1;
  }
  serializedSize = data - pairs;
  return pairs;
}

/** Names and values in turn. Nothing where the bytes are not such a list. */
export function deserialize(pairs: usize, size: usize): string[] {
  const entries: string[] = [];
  if (size < 4) return entries;
  const count = load<u32>(pairs);
  if (<u64>count * 8 + 4 > <u64>size) return entries;
  let data = pairs + 4 + ((<usize>count) << 3);
  for (let i: u32 = 0; i < count << 1; i++) {
    const length: usize = load<u32>(pairs + 4 + ((<usize>i) << 2));
    if (data - pairs + length >= size) return entries;
    entries.push(decode(data, length));
    data += length + 1;
  }
  return entries;
}
