import { Status } from "../status.js";
import type { Vm } from "../vm.js";
import type { WasmValue } from "../wasm-types.js";

/** Host functions by their name without `proxy_`. All pointers and sizes are unsigned. */
export type HostFunctions = Record<string, (...args: never[]) => number>;

/** Copies bytes into the guest and writes where they are and how many; nothing is allocated for none. */
export function giveBytes(vm: Vm, bytes: Uint8Array, pointerAt: number, sizeAt: number): number {
  const pointer = bytes.length === 0 ? 0 : vm.allocate(bytes);
  if (pointer === undefined) return Status.InvalidMemoryAccess;
  const written = vm.memory.writeU32(pointerAt, pointer) && vm.memory.writeU32(sizeAt, bytes.length);
  return written ? Status.Ok : Status.InvalidMemoryAccess;
}

export function giveU32(vm: Vm, value: number, at: number): number {
  return vm.memory.writeU32(at, value) ? Status.Ok : Status.InvalidMemoryAccess;
}

export function giveU64(vm: Vm, value: bigint, at: number): number {
  return vm.memory.writeU64(at, value) ? Status.Ok : Status.InvalidMemoryAccess;
}

/** Byte strings: one character per byte. */
export function byteText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** Reads (pointer, size) pairs; undefined where one is outside the memory. */
export function readAll(vm: Vm, ...args: readonly number[]): Buffer[] | undefined {
  const all: Buffer[] = [];
  for (let i = 0; i < args.length; i += 2) {
    const bytes = vm.memory.read(args[i] ?? 0, args[i + 1] ?? 0);
    if (bytes === undefined) return undefined;
    all.push(bytes);
  }
  return all;
}

export type AnyFunction = (...args: WasmValue[]) => number;
