import { RegistryError } from "./error.js";

export interface BodyLimit {
  /** The most that is read. */
  readonly maxBytes: number;
  /** What is being read, for messages. */
  readonly what: string;
  /** Called with each piece as it arrives. */
  readonly onChunk?: (chunk: Uint8Array) => void;
}

/** Reads a whole body, and stops as soon as it is longer than it may be (RegistryError `too-large`). */
export async function readBody(response: Response, { maxBytes, what, onChunk }: BodyLimit): Promise<Uint8Array> {
  const tooLarge = (): RegistryError => new RegistryError("too-large", `${what} has more than ${maxBytes} bytes`);
  if (Number(response.headers.get("content-length") ?? 0) > maxBytes) {
    await discardBody(response);
    throw tooLarge();
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (response.body !== null) {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      length += chunk.byteLength;
      if (length > maxBytes) throw tooLarge();
      onChunk?.(chunk);
      chunks.push(chunk);
    }
  }
  return Buffer.concat(chunks, length);
}

/** Lets go of a body that nobody wants, so that its connection is freed. */
export async function discardBody(response: Response): Promise<void> {
  // A body that broke already is as good as gone.
  await response.body?.cancel().catch(() => undefined);
}
