/*
 * Runs a module's on_configure in Node: the few host functions that it needs, no more. What plugins do with streams is
 * tested in Envoy.
 */
interface Memory {
  buffer: ArrayBuffer;
}

export interface Exports {
  memory: Memory;
  _initialize(): void;
  malloc(size: number): number;
  proxy_on_context_create(id: number, parent: number): void;
  proxy_on_configure(id: number, size: number): number;
  proxy_on_tick?(id: number): void;
}

declare const WebAssembly: {
  Module: { new (bytes: Uint8Array): object; imports(module: object): { module: string; name: string }[] };
  Instance: new (module: object, imports: object) => { exports: unknown };
};

export interface Configured {
  accepted: boolean;
  logs: string[];
}

const OK = 0;
const NOT_FOUND = 1;

/** A function that configures a new root context of the module, each time anew. */
export function configurable(wasm: Uint8Array): (json: string) => Configured {
  return instantiate(wasm).configure;
}

export interface Instance {
  exports: Exports;
  configure(json: string): Configured;
  /** What was logged since the last configuration. */
  logs(): string[];
}

/** A module whose other callbacks a test calls by itself; the first root context is number 1. */
export function instantiate(wasm: Uint8Array): Instance {
  const module = new WebAssembly.Module(wasm);
  let logs: string[] = [];
  let configuration = "";
  const view = () => new DataView(exports.memory.buffer);
  const give = (text: string, pointer: number, size: number): number => {
    const bytes = Buffer.from(text);
    const at = exports.malloc(bytes.length);
    Buffer.from(exports.memory.buffer, at, bytes.length).set(bytes);
    view().setUint32(pointer, at, true);
    view().setUint32(size, bytes.length, true);
    return OK;
  };
  const known: Record<string, (...args: number[]) => number> = {
    proxy_log: (_level = 0, at = 0, size = 0) => {
      logs.push(Buffer.from(exports.memory.buffer, at, size).toString("utf8"));
      return OK;
    },
    proxy_get_property: () => NOT_FOUND,
    proxy_get_log_level: (at = 0) => {
      view().setUint32(at, 0, true);
      return OK;
    },
    proxy_get_buffer_bytes: (_type, _start, _max, pointer = 0, size = 0) => give(configuration, pointer, size),
  };
  const imports: Record<string, Record<string, unknown>> = {};
  for (const entry of WebAssembly.Module.imports(module)) {
    imports[entry.module] = { ...imports[entry.module], [entry.name]: known[entry.name] ?? (() => NOT_FOUND) };
  }
  const exports = new WebAssembly.Instance(module, imports).exports as Exports;
  exports._initialize();
  let id = 0;
  const configure = (json: string): Configured => {
    logs = [];
    configuration = json;
    exports.proxy_on_context_create(++id, 0);
    const accepted = exports.proxy_on_configure(id, Buffer.byteLength(json)) === 1;
    return { accepted, logs };
  };
  return { exports, configure, logs: () => logs };
}
