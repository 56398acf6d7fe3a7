/*
 * Header maps. One look-up costs one host call that returns bytes; fetching all headers costs hardly more. So the first
 * look-up of a callback is single and the second fetches all, which then serve the rest of the callback.
 */
import { generation } from "../abi/arena";
import {
  proxy_add_header_map_value,
  proxy_get_header_map_pairs,
  proxy_get_header_map_value,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
} from "../abi/env";
import { clear, pointer, resultPointer, resultSize, size } from "../abi/result";
import { decode, encode, encodedSize, encodeLowerCase } from "../abi/text";
import { Status } from "./status";

export enum HeaderMap {
  RequestHeaders = 0,
  RequestTrailers = 1,
  ResponseHeaders = 2,
  ResponseTrailers = 3,
}

const MAPS = 4;
const seenIn = new StaticArray<u32>(MAPS);
const lookups = new StaticArray<i32>(MAPS);
const fetched = new StaticArray<usize>(MAPS);
const EMPTY: usize = memory.data(8, 8);

/** The encoded pairs of a map: u32 count, count * (u32 key size, u32 value size), then key NUL value NUL each. */
function allPairs(map: HeaderMap): usize {
  const known = fetched[map];
  if (known != 0) return known;
  clear();
  const status = proxy_get_header_map_pairs(map, resultPointer, resultSize);
  const pairs = status == Status.Ok && size() >= 4 ? pointer() : EMPTY;
  fetched[map] = pairs;
  return pairs;
}

function begin(map: HeaderMap): void {
  if (seenIn[map] == generation) return;
  seenIn[map] = generation;
  lookups[map] = 0;
  fetched[map] = 0;
}

function changed(map: HeaderMap, status: i32): Status {
  if (seenIn[map] == generation) fetched[map] = 0;
  return <Status>status;
}

/* The pair that find() stopped at. */
let foundValue: usize = 0;
let foundSize: u32 = 0;
let nextIndex: u32 = 0;
let nextData: usize = 0;

function find(pairs: usize, key: usize, keySize: usize): bool {
  const count = load<u32>(pairs);
  while (nextIndex < count) {
    const sizes = pairs + 4 + ((<usize>nextIndex) << 3);
    const size = load<u32>(sizes);
    const data = nextData;
    foundSize = load<u32>(sizes, 4);
    foundValue = data + <usize>size + 1;
    nextData = foundValue + <usize>foundSize + 1;
    nextIndex++;
    if (size == <u32>keySize && memory.compare(data, key, keySize) == 0) return true;
  }
  return false;
}

function rewind(pairs: usize): void {
  nextIndex = 0;
  nextData = pairs + 4 + ((<usize>load<u32>(pairs)) << 3);
}

/** The first value, or null where there is none or the map is not there in this phase. */
export function firstHeader(map: HeaderMap, name: string): string | null {
  begin(map);
  const key = encodeLowerCase(name);
  const keySize = encodedSize;
  const lookup = lookups[map];
  lookups[map] = lookup + 1;
  if (lookup == 0) {
    clear();
    if (proxy_get_header_map_value(map, key, keySize, resultPointer, resultSize) != Status.Ok) return null;
    return decode(pointer(), size());
  }
  const pairs = allPairs(map);
  rewind(pairs);
  return find(pairs, key, keySize) ? decode(foundValue, foundSize) : null;
}

/** Every value of a repeated header, in order. */
export function headerValues(map: HeaderMap, name: string): string[] {
  begin(map);
  const key = encodeLowerCase(name);
  const keySize = encodedSize;
  const pairs = allPairs(map);
  const values: string[] = [];
  rewind(pairs);
  while (find(pairs, key, keySize)) values.push(decode(foundValue, foundSize));
  return values;
}

/** Names and values in turn: name, value, name, value. */
export function headerEntries(map: HeaderMap): string[] {
  begin(map);
  const pairs = allPairs(map);
  const count = load<u32>(pairs);
  const entries: string[] = [];
  let data: usize = pairs + 4 + ((<usize>count) << 3);
  for (let i: u32 = 0; i < count; i++) {
    const keySize = load<u32>(pairs + 4 + ((<usize>i) << 3));
    const valueSize = load<u32>(pairs + 8 + ((<usize>i) << 3));
    entries.push(decode(data, keySize));
    entries.push(decode(data + keySize + 1, valueSize));
    data += keySize + valueSize + 2;
  }
  return entries;
}

export function replaceHeader(map: HeaderMap, name: string, value: string): Status {
  const key = encodeLowerCase(name);
  const keySize = encodedSize;
  const text = encode(value);
  return changed(map, proxy_replace_header_map_value(map, key, keySize, text, encodedSize));
}

export function addHeader(map: HeaderMap, name: string, value: string): Status {
  const key = encodeLowerCase(name);
  const keySize = encodedSize;
  const text = encode(value);
  return changed(map, proxy_add_header_map_value(map, key, keySize, text, encodedSize));
}

export function removeHeader(map: HeaderMap, name: string): Status {
  const key = encodeLowerCase(name);
  return changed(map, proxy_remove_header_map_value(map, key, encodedSize));
}
