/*
 * Memory for bytes that live no longer than one callback: what the host hands over, and what is encoded for it.
 * The host never calls back into a running callback (only `malloc`), so one bump pointer that starts afresh with
 * each callback is enough. What does not fit goes to the heap and is freed at the same moment.
 */
const CAPACITY: usize = 32768;
const LARGEST: usize = 0x3fff0000;
const BLOCK_HEADER: usize = 16;

const base: usize = memory.data(32768, 16);
let used: usize = 0;
let blocks: usize = 0;

/** The number of callbacks entered so far. Whoever keeps an arena pointer compares it before use. */
export let generation: u32 = 1;

/** Returns 0 where the size is beyond what a 32-bit memory can hold. */
export function allocate(size: usize): usize {
  if (size > LARGEST) return 0;
  const rounded = (size + 15) & ~(<usize>15);
  if (rounded <= CAPACITY - used) {
    const pointer = base + used;
    used += rounded;
    return pointer;
  }
  const block = heap.alloc(size + BLOCK_HEADER);
  store<usize>(block, blocks);
  blocks = block;
  return block + BLOCK_HEADER;
}

/** Gives back the end of the latest allocation, of which only `size` bytes turned out to be needed. */
export function shrink(pointer: usize, size: usize): void {
  if (pointer >= base && pointer < base + CAPACITY) used = pointer - base + ((size + 15) & ~(<usize>15));
}

/** Frees everything. Called when a callback begins. */
export function reset(): void {
  used = 0;
  generation++;
  while (blocks != 0) {
    const next = load<usize>(blocks);
    heap.free(blocks);
    blocks = next;
  }
}
