import { Outcome } from "./labels";
import { Party, partyOf } from "./party";
import { Series } from "./series";
import { readOwn } from "./stream";

/** Parties beyond this many are forgotten, and found anew when they come again. */
const MAX_PARTIES = 4096;

export class KnownOutcome {
  constructor(
    readonly outcome: Outcome,
    readonly series: Series,
  ) {}
}

/** A party, with the series of the outcomes that its streams had. */
export class KnownParty {
  /** By a hash of the outcome. */
  readonly outcomes: Map<u64, KnownOutcome> = new Map<u64, KnownOutcome>();

  constructor(
    readonly where: ArrayBuffer,
    readonly certificate: ArrayBuffer,
    readonly party: Party,
  ) {}
}

/** Remembers who is meant by what was read, so that nothing is parsed for a party that is known. */
export class PartyTable {
  private readonly known: Map<u64, KnownParty> = new Map<u64, KnownParty>();

  find(where: ArrayBuffer, certificate: ArrayBuffer): KnownParty {
    const hash = hashOf(hashOf(0, where), certificate);
    if (this.known.has(hash)) {
      const party = this.known.get(hash);
      if (isEqual(party.where, where) && isEqual(party.certificate, certificate)) return party;
    }
    if (this.known.size >= MAX_PARTIES) this.known.clear();
    const party = partyOf(String.UTF8.decode(where), String.UTF8.decode(certificate), readOwn());
    const found = new KnownParty(where, certificate, party);
    this.known.set(hash, found);
    return found;
  }

  /** A workload's labels can change while the proxy runs. */
  forget(): void {
    this.known.clear();
  }
}

function isEqual(a: ArrayBuffer, b: ArrayBuffer): bool {
  const size = a.byteLength;
  return size == b.byteLength && memory.compare(changetype<usize>(a), changetype<usize>(b), size) == 0;
}

/* Eight bytes at a time; the last word overlaps the one before it where the size is no multiple of eight. */
function hashOf(seed: u64, bytes: ArrayBuffer): u64 {
  const at = changetype<usize>(bytes);
  const size = bytes.byteLength;
  let hash = mix(seed, size);
  if (size < 8) {
    for (let i = 0; i < size; i++) hash = mix(hash, load<u8>(at + i));
    return hash;
  }
  let i = 0;
  for (; i + 8 <= size; i += 8) hash = mix(hash, load<u64>(at + i));
  return i < size ? mix(hash, load<u64>(at + size - 8)) : hash;
}

export function mix(hash: u64, word: u64): u64 {
  const mixed = (hash ^ word) * (((<u64>0x9e3779b9) << 32) | 0x7f4a7c15);
  return mixed ^ (mixed >> 32);
}
