/*
 * The beginning and the end of every callback. The `minimal` runtime has no shadow stack: it may collect only where no
 * managed value is live in any frame, which is when the last call before the return to the host is made.
 */
import { reset } from "./arena";

const CALLBACKS_PER_COLLECTION = 1024;

let callbacks = 0;
let pages = 0;

export function enter(): void {
  reset();
}

/** Collects now and then, and whenever memory had to grow. */
export function leave(): void {
  const now = memory.size();
  if (++callbacks < CALLBACKS_PER_COLLECTION && now <= pages) return;
  callbacks = 0;
  __collect();
  pages = memory.size();
}
