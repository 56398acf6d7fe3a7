/*
 * Where the host writes the results of a call: fixed words, because a call's results are read before the next call.
 */
export const resultPointer: usize = memory.data(8, 8);
export const resultSize: usize = memory.data(8, 8);
export const resultWord: usize = memory.data(8, 8);

export function pointer(): usize {
  return load<usize>(resultPointer);
}

export function size(): usize {
  return load<usize>(resultSize);
}

/** A host that has nothing to return may leave the words alone. */
export function clear(): void {
  store<usize>(resultPointer, 0);
  store<usize>(resultSize, 0);
}
