/** What is wrong with the first bytes of a Wasm module, or undefined. https://webassembly.github.io/spec/core/binary/modules.html */
export function wasmHeaderFault(bytes: Uint8Array): string | undefined {
  if (bytes.byteLength < 8) return `it has ${bytes.byteLength} bytes, fewer than the header of a Wasm module`;
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, 8);
  if (header.toString("latin1", 0, 4) !== "\0asm") {
    return `it does not start with the magic bytes of Wasm (00 61 73 6d), but with ${header.toString("hex", 0, 4)}`;
  }
  const version = header.readUInt16LE(4);
  const layer = header.readUInt16LE(6);
  if (layer === 1) return "it is a Wasm component, which Envoy cannot run: build a core module";
  return version === 1 && layer === 0 ? undefined : `it has version ${version} of the Wasm format, not 1`;
}
