/*
 * Sets of code points as lists of numbers: low, high, low, high, …; in order, none touching the next.
 */
export const MAX_POINT: u32 = 0x10ffff;

/* Functions, because a list at the top level would be in every module. */
export function digits(): u32[] {
  return [48, 57];
}

/** As RE2: no vertical tab, nothing beyond ASCII. */
export function spaces(): u32[] {
  return [9, 10, 12, 13, 32, 32];
}

export function wordCharacters(): u32[] {
  return [48, 57, 65, 90, 95, 95, 97, 122];
}

export function sameRanges(a: u32[], b: u32[]): bool {
  if (a.length != b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] != b[i]) return false;
  return true;
}

/** Puts ranges in order and joins those that touch. */
export function ordered(ranges: u32[]): u32[] {
  for (let i = 2; i < ranges.length; i += 2) {
    for (let k = i; k > 0 && ranges[k] < ranges[k - 2]; k -= 2) {
      swap(ranges, k);
      swap(ranges, k + 1);
    }
  }
  const joined: u32[] = [];
  for (let i = 0; i < ranges.length; i += 2) {
    const last = joined.length - 1;
    if (last > 0 && ranges[i] <= joined[last] + 1) joined[last] = max(joined[last], ranges[i + 1]);
    else {
      joined.push(ranges[i]);
      joined.push(ranges[i + 1]);
    }
  }
  return joined;
}

function swap(ranges: u32[], at: i32): void {
  const value = ranges[at];
  ranges[at] = ranges[at - 2];
  ranges[at - 2] = value;
}

/** All other code points; `ranges` are in order. */
export function complement(ranges: u32[]): u32[] {
  const others: u32[] = [];
  let from: u32 = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    if (ranges[i] > from) {
      others.push(from);
      others.push(ranges[i] - 1);
    }
    from = ranges[i + 1] + 1;
  }
  if (from <= MAX_POINT) {
    others.push(from);
    others.push(MAX_POINT);
  }
  return others;
}

/** Whether one point of a range, or none of it, is in the set; a range is never partly in it where this is asked. */
export function includes(ranges: u32[], point: u32): bool {
  for (let i = 0; i < ranges.length; i += 2) if (point >= ranges[i] && point <= ranges[i + 1]) return true;
  return false;
}
