import { ByteReader, encodeSized, MalformedModule } from "./byte-reader.js";

/** A part of a module, as its frame has it. https://webassembly.github.io/spec/core/binary/modules.html#sections */
export interface Section {
  id: number;
  payload: Uint8Array;
}

/** Ids of sections. */
export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** The sections in their order. Throws MalformedModule. */
export function readSections(wasm: Uint8Array): Section[] {
  if (HEADER.some((byte, i) => wasm[i] !== byte)) {
    throw new MalformedModule("it does not begin with the Wasm magic and version 1");
  }
  const reader = new ByteReader(wasm, HEADER.length);
  const sections: Section[] = [];
  while (!reader.atEnd) {
    const id = reader.byte();
    sections.push({ id, payload: reader.take(reader.u32()) });
  }
  return sections;
}

export function writeSections(sections: readonly Section[]): Uint8Array {
  return Buffer.concat([
    Uint8Array.from(HEADER),
    ...sections.flatMap(({ id, payload }) => [Uint8Array.of(id), encodeSized(payload)]),
  ]);
}

/** The name of a custom section, and what follows it. */
export function readCustom(payload: Uint8Array): { name: string; content: Uint8Array } {
  const reader = new ByteReader(payload);
  const name = reader.text();
  return { name, content: reader.rest() };
}
