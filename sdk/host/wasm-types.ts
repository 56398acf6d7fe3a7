/*
 * The part of the WebAssembly JavaScript interface that the host uses. Node has it; its types come with the DOM's, which
 * this package does not want. https://webassembly.github.io/spec/js-api/
 */
export interface WasmModule {
  readonly [Symbol.toStringTag]?: string;
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export type WasmValue = number | bigint;
export type WasmFunction = (...args: WasmValue[]) => WasmValue | undefined;

export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

interface Limits {
  initial: number;
  maximum?: number;
}

declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => WasmModule;
  Instance: new (module: WasmModule, imports: object) => WasmInstance;
  Memory: new (limits: Limits) => WasmMemory;
  Table: new (limits: Limits & { element: "anyfunc" }) => object;
  CompileError: new (message: string) => Error;
  RuntimeError: new (message: string) => Error;
};

export const PAGE_BYTES = 65_536;

export function compileModule(bytes: Uint8Array): WasmModule {
  return new WebAssembly.Module(bytes);
}

export function instantiate(module: WasmModule, imports: object): WasmInstance {
  return new WebAssembly.Instance(module, imports);
}

export function createMemory(limits: Limits): WasmMemory {
  return new WebAssembly.Memory(limits);
}

export function createTable(limits: Limits): object {
  return new WebAssembly.Table({ ...limits, element: "anyfunc" });
}

/** A trap: the module did what Wasm forbids, for example `unreachable`. */
export function isTrap(error: unknown): error is Error {
  return error instanceof WebAssembly.RuntimeError;
}

export function isCompileError(error: unknown): error is Error {
  return error instanceof WebAssembly.CompileError;
}
