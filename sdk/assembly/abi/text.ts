/*
 * Between AssemblyScript's UTF-16 strings and the host's UTF-8. The literals of a program lie in static memory, where
 * they neither move nor change: each is encoded once and kept.
 */
import { allocate, shrink } from "./arena";

const SLOTS: usize = 256;
const LARGEST_FILL: usize = 192;
const SLOT_BYTES: usize = 12;
const REPLACEMENT: u32 = 0xfffd;

/* Slots of (text | form, bytes, size). Texts are aligned to 16 bytes. */
const table: usize = memory.data(3072, 8);
let filled: usize = 0;

/* How a text is encoded. */
const PLAIN: usize = 0;
const LOWER_CASE: usize = 1;
const PATH: usize = 2;

/** The size in bytes of what an `encode` function returned last. */
export let encodedSize: usize = 0;

/** UTF-8, valid until the callback ends. */
export function encode(text: string): usize {
  return encodeAs(text, PLAIN);
}

/** As `encode`, with ASCII letters in lower case: header names as Envoy stores them. */
export function encodeLowerCase(text: string): usize {
  return encodeAs(text, LOWER_CASE);
}

/** An attribute's path: "a.b" names segment b of a. One that has NULs already is taken as it is. */
export function encodePath(text: string): usize {
  return encodeAs(text, PATH);
}

function encodeAs(text: string, form: usize): usize {
  const source = changetype<usize>(text);
  if (source >= __heap_base) return encodeAnew(text, form);
  let slot = (source >> 4) + form;
  while (true) {
    const entry = table + (slot & (SLOTS - 1)) * SLOT_BYTES;
    const key = load<usize>(entry);
    if (key == (source | form)) {
      encodedSize = load<usize>(entry, 8);
      return load<usize>(entry, 4);
    }
    if (key == 0) return filled == LARGEST_FILL ? encodeAnew(text, form) : keep(entry, text, form);
    slot++;
  }
}

function keep(entry: usize, text: string, form: usize): usize {
  const fresh = encodeAnew(text, form);
  const bytes = heap.alloc(encodedSize);
  memory.copy(bytes, fresh, encodedSize);
  store<usize>(entry, changetype<usize>(text) | form);
  store<usize>(entry, bytes, 4);
  store<usize>(entry, encodedSize, 8);
  filled++;
  return bytes;
}

function encodeAnew(text: string, form: usize): usize {
  const bytes = allocate(<usize>text.length * 3);
  const size = writeUtf8(text, text.length, bytes);
  encodedSize = size;
  shrink(bytes, size);
  if (form == LOWER_CASE) {
    for (let i: usize = 0; i < size; i++) {
      const byte = load<u8>(bytes + i);
      if (<u8>(byte - 65) < 26) store<u8>(bytes + i, byte | 32);
    }
  } else if (form == PATH) {
    for (let i: usize = 0; i < size; i++) if (load<u8>(bytes + i) == 0) return bytes;
    for (let i: usize = 0; i < size; i++) if (load<u8>(bytes + i) == 46) store<u8>(bytes + i, 0);
  }
  return bytes;
}

/** Writes the first `length` units of a text and returns the number of bytes, at most three times as many. */
export function writeUtf8(text: string, length: i32, bytes: usize): usize {
  let at = bytes;
  let from = changetype<usize>(text);
  const end = from + ((<usize>length) << 1);
  while (from < end) {
    let point: u32 = load<u16>(from);
    from += 2;
    if (point < 0x80) {
      store<u8>(at++, <u8>point);
      continue;
    }
    if ((point & 0xf800) == 0xd800) {
      const low: u32 = from < end ? load<u16>(from) : 0;
      if (point < 0xdc00 && (low & 0xfc00) == 0xdc00) {
        point = 0x10000 + ((point & 0x3ff) << 10) + (low & 0x3ff);
        from += 2;
      } else point = REPLACEMENT;
    }
    at = writePoint(point, at);
  }
  return at - bytes;
}

/** Writes a code point from U+0080 on; returns where the next goes. */
export function writePoint(point: u32, at: usize): usize {
  let bits: u32 = 6;
  if (point >= 0x800) bits = 12;
  if (point >= 0x10000) bits = 18;
  // 110, 1110, 11110 before the highest bits.
  store<u8>(at++, <u8>((bits == 6 ? 0xc0 : bits == 12 ? 0xe0 : 0xf0) | (point >> bits)));
  while (bits > 0) {
    bits -= 6;
    store<u8>(at++, <u8>(0x80 | ((point >> bits) & 0x3f)));
  }
  return at;
}

/** A string of UTF-8. A byte that is none comes out as U+FFFD; the host's bytes are not changed. */
export function decode(pointer: usize, size: usize): string {
  if (size == 0) return "";
  const text = __new(size << 1, idof<string>());
  const end = pointer + size;
  let to = text;
  while (pointer < end) {
    const byte: u32 = load<u8>(pointer++);
    if (byte < 0x80) {
      store<u16>(to, <u16>byte);
      to += 2;
      continue;
    }
    let more: usize = 0;
    if (byte >= 0xc2) more = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : byte < 0xf5 ? 3 : 0;
    let point = byte & (0x3f >> <u32>more);
    let next: usize = 0;
    while (next < more && pointer + next < end && (load<u8>(pointer + next) & 0xc0) == 0x80) {
      point = (point << 6) | (load<u8>(pointer + next++) & 0x3f);
    }
    const least: u32 = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
    if (more == 0 || next < more || point < least || point > 0x10ffff || (point & 0xfffff800) == 0xd800) {
      store<u16>(to, <u16>REPLACEMENT);
      to += 2;
      continue;
    }
    pointer += more;
    if (point >= 0x10000) {
      point -= 0x10000;
      store<u16>(to, <u16>(0xd800 | (point >> 10)));
      to += 2;
      point = 0xdc00 | (point & 0x3ff);
    }
    store<u16>(to, <u16>point);
    to += 2;
  }
  return changetype<string>(__renew(text, to - text));
}

/** The host's bytes as a buffer of the plugin's own. */
export function copyBytes(pointer: usize, size: usize): ArrayBuffer {
  const bytes = changetype<ArrayBuffer>(__new(size, idof<ArrayBuffer>()));
  memory.copy(changetype<usize>(bytes), pointer, size);
  return bytes;
}
