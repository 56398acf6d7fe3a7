/* Makes small Wasm modules byte by byte, for what no compiler would write. */

/** Types as in the host's signatures: `ii:i` takes two i32 and gives one. */
export interface ModuleSpec {
  imports?: readonly { module?: string; name: string; type: string }[];
  /** Exported under its name; a body without its final `end`. Functions are numbered after the imports. */
  functions?: readonly { name: string; type: string; body?: readonly number[] }[];
  /** Number of the function that is the start section. */
  start?: number;
  memoryPages?: number;
}

const VALUE_TYPES: Record<string, number> = { i: 0x7f, I: 0x7e };

/** Instructions. */
export const op = {
  i32: (value: number): number[] => [0x41, ...signed(value)],
  call: (index: number): number[] => [0x10, ...unsigned(index)],
  drop: [0x1a],
  unreachable: [0x00],
  /** Goes round for ever. */
  loop: [0x03, 0x40, 0x0c, 0x00, 0x0b],
  growMemory: [0x40, 0x00],
} as const;

/** What every plugin has: the ABI's marker and malloc. */
export const PLUGIN_FUNCTIONS = [
  { name: "proxy_abi_version_0_2_1", type: ":" },
  { name: "malloc", type: "i:i", body: op.i32(1024) },
] as const;

export function buildModule({ imports = [], functions = [], start, memoryPages = 1 }: ModuleSpec): Uint8Array {
  const types = [...new Set([...imports, ...functions].map(({ type }) => type))];
  const typeOf = (type: string): number[] => unsigned(types.indexOf(type));
  const sections = [
    section(1, vector(types.map(functionType))),
    section(
      2,
      vector(imports.map(({ module = "env", name, type }) => [...text(module), ...text(name), 0x00, ...typeOf(type)])),
    ),
    section(3, vector(functions.map(({ type }) => typeOf(type)))),
    section(5, vector([[0x00, ...unsigned(memoryPages)]])),
    section(
      7,
      vector([
        [...text("memory"), 0x02, 0x00],
        ...functions.map(({ name }, i) => [...text(name), 0x00, ...unsigned(imports.length + i)]),
      ]),
    ),
    start === undefined ? [] : section(8, unsigned(start)),
    section(
      10,
      vector(
        functions.map(({ body = [] }) => {
          const code = [0x00, ...body, 0x0b];
          return [...unsigned(code.length), ...code];
        }),
      ),
    ),
  ];
  return Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, ...sections.flat()]);
}

function functionType(type: string): number[] {
  const [params = "", results = ""] = type.split(":");
  const list = (letters: string): number[] => vector([...letters].map((letter) => [VALUE_TYPES[letter] ?? 0x7f]));
  return [0x60, ...list(params), ...list(results)];
}

function section(id: number, payload: readonly number[]): number[] {
  return [id, ...unsigned(payload.length), ...payload];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function text(value: string): number[] {
  return [...unsigned(Buffer.byteLength(value)), ...Buffer.from(value)];
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(Math.floor(value / 0x80))];
}

function signed(value: number): number[] {
  const rest = value >> 7;
  const byte = value & 0x7f;
  const last = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0);
  return last ? [byte] : [byte | 0x80, ...signed(rest)];
}
