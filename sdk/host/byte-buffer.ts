import { Status } from "./status.js";

/** Bytes that pass through a filter, changed in place as Envoy's buffers are. */
export class ByteBuffer {
  #bytes: Buffer;

  constructor(bytes: Uint8Array | string = "") {
    this.#bytes = typeof bytes === "string" ? Buffer.from(bytes) : Buffer.from(bytes);
  }

  get length(): number {
    return this.#bytes.length;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  append(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
  }

  prepend(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([bytes, this.#bytes]);
  }

  /** Takes the first `size` bytes off; more than there are empties it. */
  drain(size: number): void {
    this.#bytes = this.#bytes.subarray(Math.min(size, this.length));
  }

  /** Takes everything. */
  take(): Uint8Array {
    const all = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    return all;
  }

  /** proxy_set_buffer_bytes as Envoy has it: at the front it replaces, at the end it appends, else it refuses. */
  write(start: number, size: number, bytes: Uint8Array): number {
    if (start === 0) {
      this.drain(size);
      this.prepend(bytes);
      return Status.Ok;
    }
    if (start < this.length) return Status.BadArgument;
    this.append(bytes);
    return Status.Ok;
  }
}
