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

  /** Bytes at hand; 0 where there is no body in this phase. */
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
   *
   * ```ts
   * class Upper extends HttpContext<NoConfig> {
   *   onRequestBody(size: u32, endOfStream: bool): Action {
   *     const text = this.request.body.wholeText(endOfStream);
   *     if (text === null) return Action.Pause;
   *     this.request.body.setText(text.toUpperCase());
   *     return Action.Continue;
   *   }
   * }
   * register<Upper, NoConfig>("upper");
   * ```
   */
  whole(endOfStream: bool): ArrayBuffer | null {
    return endOfStream ? this.bytes() : null;
  }

  /** As `whole`, as UTF-8. */
  wholeText(endOfStream: bool): string | null {
    return endOfStream ? this.text() : null;
  }

  /** Puts these bytes in the place of all that are at hand. False: the body cannot be changed in this phase. */
  set(bytes: ArrayBuffer): bool {
    return this.write(0, END, bytes);
  }

  /** As `set`, with text. */
  setText(text: string): bool {
    return this.set(String.UTF8.encode(text));
  }

  /** Adds bytes behind those at hand. False: the body cannot be changed in this phase. */
  append(bytes: ArrayBuffer): bool {
    return this.write(END, 0, bytes);
  }

  /** As `append`, with text. */
  appendText(text: string): bool {
    return this.append(String.UTF8.encode(text));
  }

  /** Puts bytes before those at hand. False: the body cannot be changed in this phase. */
  prepend(bytes: ArrayBuffer): bool {
    return this.write(0, 0, bytes);
  }

  /** As `prepend`, with text. */
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
