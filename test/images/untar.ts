import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { extract } from "tar-stream";

/** The regular files of an archive. */
export async function* untar(archive: Buffer): AsyncGenerator<readonly [name: string, bytes: Buffer]> {
  for await (const entry of Readable.from([archive]).pipe(extract())) {
    const bytes = await buffer(entry);
    if (entry.header.type === "file") yield [entry.header.name, bytes];
  }
}

export async function gather<K, V>(entries: AsyncIterable<readonly [K, V]>): Promise<ReadonlyMap<K, V>> {
  const map = new Map<K, V>();
  for await (const [key, value] of entries) map.set(key, value);
  return map;
}
