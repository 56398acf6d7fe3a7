/*
 * Header maps. One look-up costs one host call that returns bytes; fetching all headers costs hardly more. So the first
 * look-up of a callback is single and the second fetches all, which then serve the rest of the callback.
 */
import { generation } from "../abi/arena";
import {
  proxy_add_header_map_value,
  proxy_get_header_map_pairs,
  proxy_get_header_map_size,
  proxy_get_header_map_value,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
  proxy_set_header_map_pairs,
} from "../abi/env";
import { clear, pointer, resultPointer, resultSize, size } from "../abi/result";
import { decode, encode, encodedSize, encodeLowerCase } from "../abi/text";
import { deserialize, serialize, serializedSize } from "./pairs";
import { Status } from "./status";

export enum HeaderMap {
  RequestHeaders = 0,
  RequestTrailers = 1,
  ResponseHeaders = 2,
  ResponseTrailers = 3,
  GrpcInitialMetadata = 4,
  GrpcTrailingMetadata = 5,
  HttpCallResponseHeaders = 6,
  HttpCallResponseTrailers = 7,
}

/* What this callback knows of each map: the callback's number, the look-ups so far, the pairs and their size. */
const STATE_BYTES: usize = 16;
const states: usize = memory.data(128, 8);
const EMPTY: usize = memory.data(8, 8);

function stateOf(map: HeaderMap): usize {
  const state = states + <usize>map * STATE_BYTES;
  if (load<u32>(state) != generation) {
    store<u32>(state, generation);
    store<u64>(state, 0, 4);
    store<u32>(state, 0, 12);
  }
  return state;
}

/* The encoded pairs of a map (pairs.ts). */
function allPairs(state: usize, map: HeaderMap): usize {
  const known = load<usize>(state, 8);
  if (known != 0) return known;
  clear();
  const status = proxy_get_header_map_pairs(map, resultPointer, resultSize);
  const found = status == Status.Ok && size() >= 4;
  const pairs = found ? pointer() : EMPTY;
  store<usize>(state, pairs, 8);
  store<usize>(state, found ? size() : 4, 12);
  return pairs;
}

function changed(map: HeaderMap, status: i32): Status {
  store<usize>(stateOf(map), 0, 8);
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
  const state = stateOf(map);
  const key = encodeLowerCase(name);
  const keySize = encodedSize;
  const lookup = load<u32>(state, 4);
  store<u32>(state, lookup + 1, 4);
  if (lookup == 0) {
    clear();
    if (proxy_get_header_map_value(map, key, keySize, resultPointer, resultSize) != Status.Ok) return null;
    return decode(pointer(), size());
  }
  const pairs = allPairs(state, map);
  rewind(pairs);
  return find(pairs, key, keySize) ? decode(foundValue, foundSize) : null;
}

/** Every value of a repeated header, in order. */
export function headerValues(map: HeaderMap, name: string): string[] {
  const key = encodeLowerCase(name);
  const keySize = encodedSize;
  const pairs = allPairs(stateOf(map), map);
  const values: string[] = [];
  rewind(pairs);
  while (find(pairs, key, keySize)) values.push(decode(foundValue, foundSize));
  return values;
}

/** Names and values in turn: name, value, name, value. */
export function headerEntries(map: HeaderMap): string[] {
  const state = stateOf(map);
  const pairs = allPairs(state, map);
  return deserialize(pairs, load<usize>(state, 12));
}

export function headerMapSize(map: HeaderMap): u32 {
  return proxy_get_header_map_size(map, resultSize) == Status.Ok ? <u32>size() : 0;
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

/** `entries` are names and values in turn. */
export function replaceAllHeaders(map: HeaderMap, entries: string[]): Status {
  const pairs = serialize(entries);
  return changed(map, proxy_set_header_map_pairs(map, pairs, serializedSize));
}
