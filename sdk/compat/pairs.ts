/* Headers as bytes, between arrays of pairs and the ABI's form (assembly/host/pairs.ts). */
import { allocate } from "../assembly/abi/arena";
import { copyBytes } from "../assembly/abi/text";
import { HeaderPair, Headers } from "./values";

/** The size of what `serializePairs` returned last. */
export let pairsSize: usize = 0;

export function serializePairs(headers: Headers): usize {
  let total: usize = 4;
  for (let i = 0; i < headers.length; i++) {
    total += 10 + <usize>headers[i].key.byteLength + <usize>headers[i].value.byteLength;
  }
  const pairs = allocate(total);
  store<u32>(pairs, headers.length);
  let data = pairs + 4 + ((<usize>headers.length) << 3);
  for (let i = 0; i < headers.length; i++) {
    const sizes = pairs + 4 + ((<usize>i) << 3);
    store<u32>(sizes, headers[i].key.byteLength);
    store<u32>(sizes, headers[i].value.byteLength, 4);
    data = append(append(data, headers[i].key), headers[i].value);
  }
  pairsSize = total;
  return pairs;
}

function append(to: usize, bytes: ArrayBuffer): usize {
  memory.copy(to, changetype<usize>(bytes), bytes.byteLength);
  const end = to + <usize>bytes.byteLength;
  store<u8>(end, 0);
  return end + 1;
}

export function deserializePairs(pairs: usize, size: usize): Headers {
  const headers: Headers = [];
  if (size < 4) return headers;
  const count = load<u32>(pairs);
  let data = pairs + 4 + ((<usize>count) << 3);
  for (let i: u32 = 0; i < count; i++) {
    const sizes = pairs + 4 + ((<usize>i) << 3);
    const keySize: usize = load<u32>(sizes);
    const valueSize: usize = load<u32>(sizes, 4);
    headers.push(new HeaderPair(copyBytes(data, keySize), copyBytes(data + keySize + 1, valueSize)));
    data += keySize + valueSize + 2;
  }
  return headers;
}
