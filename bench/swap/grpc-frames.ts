const HEAD_BYTES = 5;
/** More than a response of this benchmark ever has. */
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

/** A message as gRPC puts it on an HTTP/2 stream: a flag, its length, its bytes. */
export function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/**
 * Takes the chunks of a stream and gives its messages, however they were cut.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export function createFrameReader(onMessage: (message: Buffer) => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let heldBytes = 0;
  let wantedBytes = HEAD_BYTES;
  return (chunk) => {
    parts.push(chunk);
    heldBytes += chunk.length;
    while (heldBytes >= wantedBytes) {
      const held = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
      const bodyBytes = held.readUInt32BE(1);
      if (held[0] !== 0) throw new Error("a compressed message, which was not asked for");
      if (bodyBytes > MAX_MESSAGE_BYTES) throw new Error(`a message of ${bodyBytes} bytes is too large`);
      wantedBytes = HEAD_BYTES + bodyBytes;
      parts = [held];
      if (heldBytes < wantedBytes) return;
      onMessage(held.subarray(HEAD_BYTES, wantedBytes));
      const rest = held.subarray(wantedBytes);
      parts = [rest];
      heldBytes = rest.length;
      wantedBytes = HEAD_BYTES;
    }
  };
}
