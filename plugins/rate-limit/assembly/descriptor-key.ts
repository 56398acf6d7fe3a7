import { randomBytes, sharedData, Update } from "@weft/sdk";
import { Descriptor } from "./descriptor";

const BASIS: u64 = ((<u64>0xcbf29ce4) << 32) | 0x84222325;
const PRIME: u64 = 0x100000001b3;
const MIX_1: u64 = ((<u64>0xff51afd7) << 32) | 0xed558ccd;
const MIX_2: u64 = ((<u64>0xc4ceb9fe) << 32) | 0x1a85ec53;

function mix(hash: u64, text: string): u64 {
  hash = (hash ^ <u64>text.length) * PRIME;
  for (let i = 0; i < text.length; i++) hash = (hash ^ <u64>text.charCodeAt(i)) * PRIME;
  return hash;
}

/** A descriptor's fingerprint: FNV-1a over its entries and their lengths, then the finaliser of MurmurHash3. Pure. */
export function keyOfDescriptor(descriptor: Descriptor, seed: u64): u64 {
  let hash = BASIS ^ seed;
  const entries = descriptor.entries;
  for (let i = 0; i < entries.length; i++) hash = mix(mix(hash, entries[i].key), entries[i].value);
  hash = (hash ^ (hash >> 33)) * MIX_1;
  hash = (hash ^ (hash >> 33)) * MIX_2;
  return hash ^ (hash >> 33);
}

class Seed extends Update {
  value: u64 = 0;

  next(current: ArrayBuffer | null): ArrayBuffer | null {
    if (current !== null && current.byteLength == 8) {
      this.value = load<u64>(changetype<usize>(current));
      return null;
    }
    const fresh = randomBytes(8);
    if (fresh === null) return null;
    this.value = load<u64>(changetype<usize>(fresh));
    return fresh;
  }
}

/** The secret number of this proxy, the same for all workers: clients cannot make up descriptors that collide. */
export function sharedSeed(name: string): u64 {
  const step = new Seed();
  sharedData.update(name, step, 64);
  return step.value;
}
