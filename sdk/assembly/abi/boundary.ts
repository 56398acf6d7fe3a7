/*
 * The beginning and the end of every callback. There is no shadow stack, so memory may be collected only where no
 * managed value is live in any frame: which is when the last call before the return to the host is made.
 */
import { reset } from "./arena";

/** The context that the running callback belongs to. */
export let current: u32 = 0;

/** How many headers or trailers the running callback is about. */
export let elements: u32 = 0;

export function announce(count: u32): void {
  elements = count;
}

export function enter(id: u32): void {
  reset();
  current = id;
}

/** What happens now happens on behalf of another context. */
export function switchTo(id: u32): void {
  current = id;
}

/** Collects when enough was allocated (abi/collector.ts). */
export function leave(): void {
  __collect();
}
