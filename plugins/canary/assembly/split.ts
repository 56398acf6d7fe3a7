import { hash64 } from "@weft/sdk";

/** Places that keys have: steps of 0.01 percent. */
export const PLACES: i32 = 10_000;

/**
 * Which of several subsets has a place. Each subset begins where its position in the list says, and takes the nearest
 * free places from there: the first upwards from 0, the second downwards from 100 percent, the third and fourth from
 * the middle, and so on. Earlier subsets take their places first.
 */
export class Split {
  /* Runs of places with one owner: where each ends, and who it is. */
  private readonly ends: i32[] = [];
  private readonly owners: i32[] = [];

  /** How many places each subset has; together at most PLACES. */
  constructor(sizes: i32[]) {
    const owners = new StaticArray<u8>(PLACES);
    for (let i = 0; i < sizes.length; i++) take(owners, i, sizes[i]);
    for (let place = 0; place < PLACES; place++) {
      const isLast = place + 1 == PLACES || owners[place + 1] != owners[place];
      if (!isLast) continue;
      this.ends.push(place + 1);
      this.owners.push(owners[place]);
    }
  }

  /** 0 where no subset has the place, else the subset's position from 1 on. */
  ownerOf(place: i32): i32 {
    let run = 0;
    while (this.ends[run] <= place) run++;
    return this.owners[run];
  }
}

function take(owners: StaticArray<u8>, position: i32, size: i32): void {
  const step = position & 1 ? -1 : 1;
  let place = startOf(position >> 1);
  if (step < 0) place = (place + PLACES - 1) % PLACES;
  for (let left = size; left > 0; place = (place + step + PLACES) % PLACES) {
    if (owners[place] != 0) continue;
    owners[place] = <u8>(position + 1);
    left--;
  }
}

/* 0, 1/2, 1/4, 3/4, 1/8, … of all places: each as far from those before as can be. */
function startOf(number: i32): i32 {
  let start = 0;
  let part = PLACES >> 1;
  for (let rest = number; rest > 0; rest >>= 1, part >>= 1) if (rest & 1) start += part;
  return start;
}

/** The place of a key under a salt, from 0 to PLACES - 1. It never changes. */
export function placeOf(key: string, salt: u64): i32 {
  return <i32>(mix(hash64(key) ^ salt) % PLACES);
}

/** The salt that a text stands for. */
export function saltOf(text: string): u64 {
  return hash64(text);
}

/* The finaliser of MurmurHash3: without it the places under two salts would be related. */
function mix(value: u64): u64 {
  let hash = (value ^ (value >> 33)) * (((<u64>0xff51afd7) << 32) | 0xed558ccd);
  hash = (hash ^ (hash >> 33)) * (((<u64>0xc4ceb9fe) << 32) | 0x1a85ec53);
  return hash ^ (hash >> 33);
}
