import { ByteReader, encodeU32, MalformedModule } from "../wasm/byte-reader.js";
import { readSections, SECTION, type Section, writeSections } from "../wasm/sections.js";
import { HostError } from "./errors.js";
import { PAGE_BYTES } from "./wasm-types.js";

/** The module with a memory maximum: what it asks for beyond that is refused. HostError MODULE where it begins above. */
export function limitMemory(wasm: Uint8Array, maxBytes: number): Uint8Array {
  const maximum = Math.floor(maxBytes / PAGE_BYTES);
  try {
    const sections = readSections(wasm);
    return writeSections(
      sections.map((section) => (section.id === SECTION.memory ? limited(section, maximum) : section)),
    );
  } catch (error) {
    if (!(error instanceof MalformedModule)) throw error;
    throw new HostError("MODULE", `Failed to parse corrupted Wasm module: ${error.message}`, { cause: error });
  }
}

function limited(section: Section, maximum: number): Section {
  const reader = new ByteReader(section.payload);
  if (reader.u32() !== 1) return section;
  const { initial, maximum: own = maximum } = reader.limits();
  if (initial > maximum) {
    const wanted = initial * PAGE_BYTES;
    throw new HostError(
      "MODULE",
      `the module begins with ${wanted} bytes of memory; ${maximum * PAGE_BYTES} are allowed`,
    );
  }
  const payload = Buffer.concat([Uint8Array.of(1, 1), encodeU32(initial), encodeU32(Math.min(own, maximum))]);
  return { id: section.id, payload };
}
