import { allocate, shrink } from "./arena";

/** The size in bytes of what `encode` returned last. */
export let encodedSize: usize = 0;

/** UTF-8 in the arena: valid until the callback ends. */
export function encode(text: string): usize {
  const pointer = allocate(<usize>text.length * 3);
  encodedSize = String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, pointer);
  shrink(pointer, encodedSize);
  return pointer;
}

/** As `encode`, with ASCII letters in lower case: header names as Envoy stores them. */
export function encodeLowerCase(text: string): usize {
  const pointer = encode(text);
  for (let i: usize = 0; i < encodedSize; i++) {
    const byte = load<u8>(pointer + i);
    if (byte - 65 < 26) store<u8>(pointer + i, byte | 32);
  }
  return pointer;
}

/** Bytes that are not UTF-8 come out as other characters; the host's bytes are not changed. */
export function decode(pointer: usize, size: usize): string {
  return size == 0 ? "" : String.UTF8.decodeUnsafe(pointer, size);
}
