import { ByteReader, encodeSized, encodeU32, MalformedModule } from "./byte-reader.js";
import { readCustom, readSections, SECTION, writeSections } from "./sections.js";

const NAME_SECTION = "name";
const FUNCTION_NAMES = 1;

/**
 * Names of functions by their index, imports first; empty without a name section, or with one that is broken: the name
 * section is no part of what a module does. https://webassembly.github.io/spec/core/appendix/custom.html
 */
export function functionNames(wasm: Uint8Array): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const { id, payload } of readSections(wasm)) {
    if (id !== SECTION.custom) continue;
    try {
      const { name, content } = readCustom(payload);
      if (name !== NAME_SECTION) continue;
      for (const [index, text] of readNames(functionSubsection(content))) names.set(index, text);
    } catch (error) {
      if (!(error instanceof MalformedModule)) throw error;
    }
  }
  return names;
}

/**
 * Keeps of the name section what Envoy's backtraces print, the names of functions, and makes them short: they are a
 * fifth of a small module. Without `keep`, no name stays.
 */
export function trimNames(wasm: Uint8Array, keep: boolean): Uint8Array {
  const sections = readSections(wasm).flatMap((section) => {
    if (section.id !== SECTION.custom) return [section];
    const { name, content } = readCustom(section.payload);
    if (name !== NAME_SECTION) return [section];
    return keep ? [{ id: SECTION.custom, payload: nameSection(readNames(functionSubsection(content))) }] : [];
  });
  return writeSections(sections);
}

function functionSubsection(content: Uint8Array): Uint8Array {
  const reader = new ByteReader(content);
  while (!reader.atEnd) {
    const id = reader.byte();
    const part = reader.take(reader.u32());
    if (id === FUNCTION_NAMES) return part;
  }
  return Uint8Array.of(0);
}

function readNames(part: Uint8Array): [number, string][] {
  const reader = new ByteReader(part);
  const names: [number, string][] = [];
  for (let left = reader.u32(); left > 0; left--) names.push([reader.u32(), reader.text()]);
  return names;
}

function nameSection(names: readonly [number, string][]): Uint8Array {
  const entries = names.flatMap(([index, name]) => [encodeU32(index), encodeSized(Buffer.from(shorten(name)))]);
  const list = Buffer.concat([encodeU32(names.length), ...entries]);
  return Buffer.concat([encodeSized(Buffer.from(NAME_SECTION)), Uint8Array.of(FUNCTION_NAMES), encodeSized(list)]);
}

/*
 * `~lib/@weft/sdk/assembly/log/Log#info` becomes `Log#info`. The author's own names keep their file, without the type
 * arguments of what is generic.
 */
function shorten(name: string): string {
  const plain = name.startsWith("~lib/") ? name.slice(name.search(/[^/]*(?:<|$)/)) : name.replace(/^assembly\//, "");
  return plain.replaceAll(/~anonymous\|/g, "~").replaceAll(/[\w-]+\/(?=[^<>]*>)/g, "");
}
