import { proxy_get_shared_data, proxy_set_shared_data } from "../abi/env";
import { clear, pointer, resultPointer, resultSize, resultWord, size } from "../abi/result";
import { copyBytes, encode, encodedSize } from "../abi/text";
import { Status } from "./status";

/** The compare-and-swap number of what readShared returned last; 0 where the key was missing. */
export let sharedVersion: u32 = 0;

/** The bytes under a key, or null. */
export function readShared(key: string): ArrayBuffer | null {
  const name = encode(key);
  clear();
  sharedVersion = 0;
  if (proxy_get_shared_data(name, encodedSize, resultPointer, resultSize, resultWord) != Status.Ok) return null;
  sharedVersion = load<u32>(resultWord);
  return copyBytes(pointer(), size());
}

/** version 0 overwrites; any other writes only over that version, or where the key is missing. */
export function writeShared(key: string, value: ArrayBuffer, version: u32): Status {
  const name = encode(key);
  return <Status>proxy_set_shared_data(name, encodedSize, changetype<usize>(value), <usize>value.byteLength, version);
}
