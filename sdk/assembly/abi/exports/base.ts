/* What every module exports. https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1 */
import { configure, createContext, deleteContext } from "../../dispatcher";
import { allocate } from "../arena";
import "../runtime";
import { enter, leave } from "../boundary";

/** The name is the ABI's version; it is never called. */
export function proxy_abi_version_0_2_1(): void {}

/** The host puts what it returns here. The guest owns it: the arena frees it. */
export function malloc(size: usize): usize {
  return allocate(size);
}

export function proxy_on_context_create(id: u32, parent: u32): void {
  enter(id);
  createContext(id, parent);
}

export function proxy_on_configure(id: u32, size: u32): u32 {
  enter(id);
  const accepted = configure(id, size);
  leave();
  return accepted ? 1 : 0;
}

export function proxy_on_delete(id: u32): void {
  enter(id);
  deleteContext(id);
  leave();
}
