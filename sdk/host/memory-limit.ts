import { ByteReader, encodeU32, MalformedModule } from "../wasm/byte-reader.js";
import { readSections, SECTION, type Section, writeSections } from "../wasm/sections.js";
import { HostError } from "./errors.js";
import { PAGE_BYTES } from "./wasm-types.js";

const HAS_MAXIMUM = 1;
const KIND = { function: 0, table: 1, memory: 2, global: 3 } as const;

/**
 * The module with a memory maximum, in its own memory and in one that it imports: what it asks for beyond that is
 * refused. A smaller maximum of its own stays. HostError MODULE where it begins above.
 */
export function limitMemory(wasm: Uint8Array, maxBytes: number): Uint8Array {
  const maximum = Math.floor(maxBytes / PAGE_BYTES);
  try {
    return writeSections(readSections(wasm).map((section) => limitSection(section, maximum)));
  } catch (error) {
    if (!(error instanceof MalformedModule)) throw error;
    throw new HostError("MODULE", `Failed to parse corrupted Wasm module: ${error.message}`, { cause: error });
  }
}

function limitSection(section: Section, maximum: number): Section {
  const reader = new ByteReader(section.payload);
  if (section.id === SECTION.memory) {
    const count = reader.u32();
    const memories = Array.from({ length: Math.min(count, section.payload.length) }, () => limited(reader, maximum));
    return { id: section.id, payload: Buffer.concat([encodeU32(count), ...memories]) };
  }
  return section.id === SECTION.import ? limitImports(section, maximum) : section;
}

/** Copies the section but for the maximum of memories in it. */
function limitImports({ id, payload }: Section, maximum: number): Section {
  const reader = new ByteReader(payload);
  const parts: Uint8Array[] = [];
  let copied = 0;
  for (let left = reader.u32(); left > 0; left--) {
    for (let names = 0; names < 2; names++) reader.take(reader.u32());
    const kind = reader.byte();
    if (kind === KIND.memory) {
      const start = reader.at;
      const memory = limited(reader, maximum);
      parts.push(payload.subarray(copied, start), memory);
      copied = reader.at;
    } else if (kind === KIND.function) reader.u32();
    else if (kind === KIND.table) {
      reader.byte();
      reader.limits();
    } else if (kind === KIND.global) reader.take(2);
    else throw new MalformedModule("it has an import of an unknown kind");
  }
  return { id, payload: Buffer.concat([...parts, payload.subarray(copied)]) };
}

/** https://webassembly.github.io/spec/core/binary/types.html#limits */
function limited(reader: ByteReader, maximum: number): Uint8Array {
  const flags = reader.byte();
  const initial = reader.u32();
  const own = (flags & HAS_MAXIMUM) === 0 ? maximum : reader.u32();
  if (initial > maximum) {
    const allowed = maximum * PAGE_BYTES;
    throw new HostError(
      "MODULE",
      `the module begins with ${initial * PAGE_BYTES} bytes of memory; ${allowed} are allowed`,
    );
  }
  const bytes = [encodeU32(initial), encodeU32(Math.min(own, maximum))];
  return Buffer.concat([Uint8Array.of(flags | HAS_MAXIMUM), ...bytes]);
}
