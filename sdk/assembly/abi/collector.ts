/*
 * The garbage collector of a plugin. The compiler puts it in the place of its own `minimal` collector (rt/tcms), whose
 * functions it has, for two reasons: it knows how much was allocated, so that memory stays bounded whatever a callback
 * wastes; and it is half as large. Mark and sweep over one list; called where no managed value is in any frame.
 */
import { BLOCK, BLOCK_OVERHEAD, OBJECT_MAXSIZE, OBJECT_OVERHEAD, TOTAL_OVERHEAD } from "./common";

/* Cells are aligned to 4 bytes: the low bits of a link are free. */
const REACHED: usize = 1;
const PINNED: usize = 2;
const FLAGS: usize = 3;
const LEAST_THRESHOLD: usize = 131072;

/* The header before each object's data. Objects in static memory have it too. */
@unmanaged
class Cell extends BLOCK {
  next: usize;
  /* REACHED, PINNED, and, while it waits to be scanned, the next cell that waits. */
  state: usize;
  rtId: u32;
  rtSize: u32;
}

let cells: usize = 0;
let waiting: usize = 0;
let pins: i32 = 0;
let allocated: usize = 0;
let threshold: usize = LEAST_THRESHOLD;

function cellOf(data: usize): Cell {
  return changetype<Cell>(data - TOTAL_OVERHEAD);
}

export function __new(size: usize, id: i32): usize {
  if (size > OBJECT_MAXSIZE) unreachable();
  const data = __alloc(OBJECT_OVERHEAD + size) + OBJECT_OVERHEAD;
  const cell = cellOf(data);
  cell.next = cells;
  cell.state = 0;
  cell.rtId = id;
  cell.rtSize = <u32>size;
  cells = changetype<usize>(cell);
  allocated += OBJECT_OVERHEAD + size;
  return data;
}

/* What does not fit moves, and what it leaves is swept later. */
export function __renew(data: usize, size: usize): usize {
  const cell = cellOf(data);
  if (data >= __heap_base && size + OBJECT_OVERHEAD <= (cell.mmInfo & ~3)) {
    cell.rtSize = <u32>size;
    return data;
  }
  const moved = __new(size, cell.rtId);
  memory.copy(moved, data, min<usize>(size, cell.rtSize));
  return moved;
}

export function __link(parent: usize, child: usize, expectMultiple: bool): void {}

export function __visit(data: usize, cookie: u32): void {
  if (data == 0) return;
  const cell = cellOf(data);
  if (cell.state & REACHED) return;
  cell.state |= waiting | REACHED;
  waiting = changetype<usize>(cell);
}

export function __pin(data: usize): usize {
  if (data != 0) {
    cellOf(data).state |= PINNED;
    pins++;
  }
  return data;
}

export function __unpin(data: usize): void {
  if (data != 0) {
    cellOf(data).state &= ~PINNED;
    pins--;
  }
}

/* Frees what nothing refers to, once as much was allocated as was alive the last time. */
export function __collect(): void {
  if (allocated < threshold) return;
  __visit_globals(0);
  if (pins > 0) {
    for (let at = cells; at != 0; at = changetype<Cell>(at).next) {
      if (changetype<Cell>(at).state & PINNED) __visit(at + TOTAL_OVERHEAD, 0);
    }
  }
  let constants: usize = 0;
  while (waiting != 0) {
    const cell = changetype<Cell>(waiting);
    waiting = cell.state & ~FLAGS;
    if (changetype<usize>(cell) < __heap_base) {
      cell.next = constants;
      constants = changetype<usize>(cell);
    }
    __visit_members(changetype<usize>(cell) + TOTAL_OVERHEAD, 0);
  }
  for (; constants != 0; constants = changetype<Cell>(constants).next) changetype<Cell>(constants).state = 0;
  sweep();
}

function sweep(): void {
  let alive: usize = 0;
  let last: usize = 0;
  let at = cells;
  while (at != 0) {
    const cell = changetype<Cell>(at);
    const next = cell.next;
    if (cell.state & REACHED) {
      cell.state &= PINNED;
      alive += OBJECT_OVERHEAD + cell.rtSize;
      last = at;
    } else {
      if (last == 0) cells = next;
      else changetype<Cell>(last).next = next;
      __free(at + BLOCK_OVERHEAD);
    }
    at = next;
  }
  allocated = 0;
  threshold = max(LEAST_THRESHOLD, alive);
}
