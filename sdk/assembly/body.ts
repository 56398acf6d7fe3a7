import { Buffer, bufferBytes, bufferSize, bufferText, writeBuffer } from "./host/buffer";
import { Status } from "./host/status";

/** Beyond every end: what is written here is appended. */
const END: u32 = u32.MAX_VALUE;

/**
 * The bytes of a message, a call's answer or a connection that are at hand: what has arrived and is not passed on yet.
 * Outside its callbacks there are none. A changed body has another length: remove the header `content-length` while the
 * headers are handled. It has no state: its address is the buffer's number.
 */
@unmanaged
export class Body {
  private get buffer(): Buffer {
    return <Buffer>(<i32>changetype<usize>(this) - 1);
  }

  get size(): u32 {
    return bufferSize(this.buffer);
  }

  /** At most `length` bytes from `start`; null where there is no body in this phase. */
  bytes(start: u32 = 0, length: u32 = END): ArrayBuffer | null {
    return bufferBytes(this.buffer, start, length);
  }

  /** As `bytes`, as UTF-8. */
  text(start: u32 = 0, length: u32 = END): string | null {
    return bufferText(this.buffer, start, length);
  }

  /**
   * All of the body once its end has come, else null. `return Action.Pause` until then: Envoy keeps the bytes, up to
   * its limit (`per_connection_buffer_limit_bytes`, 1 MiB), beyond which it answers 413, or 500 for a response. A
   * message with trailers has its end in the trailers' callback, where `bytes()` still has all that was kept.
   */
  whole(endOfStream: bool): ArrayBuffer | null {
    return endOfStream ? this.bytes() : null;
  }

  wholeText(endOfStream: bool): string | null {
    return endOfStream ? this.text() : null;
  }

  /** Puts these bytes in the place of all that are at hand. False: the body cannot be changed in this phase. */
  set(bytes: ArrayBuffer): bool {
    return this.write(0, END, bytes);
  }

  setText(text: string): bool {
    return this.set(String.UTF8.encode(text));
  }

  append(bytes: ArrayBuffer): bool {
    return this.write(END, 0, bytes);
  }

  appendText(text: string): bool {
    return this.append(String.UTF8.encode(text));
  }

  prepend(bytes: ArrayBuffer): bool {
    return this.write(0, 0, bytes);
  }

  prependText(text: string): bool {
    return this.prepend(String.UTF8.encode(text));
  }

  /** Takes the first `count` bytes away. */
  drain(count: u32): bool {
    return this.write(0, count, new ArrayBuffer(0));
  }

  private write(start: u32, length: u32, bytes: ArrayBuffer): bool {
    return writeBuffer(this.buffer, start, length, bytes) == Status.Ok;
  }
}

/** The view on a buffer. */
export function bodyOf(buffer: Buffer): Body {
  return changetype<Body>(<usize>(<i32>buffer + 1));
}
