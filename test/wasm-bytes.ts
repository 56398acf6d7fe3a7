/* Wasm modules by hand, for tests of what looks into them. https://webassembly.github.io/spec/core/binary/modules.html */

export const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
export const I32 = 0x7f;
export const I64 = 0x7e;
export const SECTION = { custom: 0, type: 1, import: 2, function: 3, table: 4, export: 7, start: 8, code: 10 } as const;

/** An unsigned LEB128 number. */
export function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(Math.floor(value / 128))];
}

export function text(value: string): number[] {
  const bytes = [...new TextEncoder().encode(value)];
  return [...leb(bytes.length), ...bytes];
}

export function list(...elements: readonly (readonly number[])[]): number[] {
  return [...leb(elements.length), ...elements.flat()];
}

export function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

export function functionType(parameters: readonly number[], results: readonly number[]): number[] {
  return [0x60, ...leb(parameters.length), ...parameters, ...leb(results.length), ...results];
}

export function wasm(...sections: readonly (readonly number[])[]): Uint8Array {
  return new Uint8Array([...HEADER, ...sections.flat()]);
}

export interface ImportedFunction {
  readonly module: string;
  readonly name: string;
  readonly parameters: readonly number[];
  readonly results: readonly number[];
}

/** A module that V8 accepts: the imports, and empty functions of these names as exports. */
export function moduleWith(exports: readonly string[], imports: readonly ImportedFunction[] = []): Uint8Array {
  const types = [functionType([], []), ...imports.map((i) => functionType(i.parameters, i.results))];
  return wasm(
    section(SECTION.type, list(...types)),
    section(SECTION.import, list(...imports.map((i, n) => [...text(i.module), ...text(i.name), 0, ...leb(n + 1)]))),
    section(SECTION.function, list(...exports.map(() => [0]))),
    section(SECTION.export, list(...exports.map((name, n) => [...text(name), 0, ...leb(imports.length + n)]))),
    section(SECTION.code, list(...exports.map(() => [2, 0, 0x0b]))),
  );
}

/** The module with a custom section more: it does the same and has another hash. */
export function variant(module: Uint8Array, mark: string): Uint8Array {
  return new Uint8Array([...module, ...section(SECTION.custom, [...text("weft-test"), ...text(mark)])]);
}
