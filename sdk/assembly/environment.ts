import { allocate } from "./abi/arena";
import { resultSize, resultWord, size } from "./abi/result";
import { decode } from "./abi/text";
import { environ_get, environ_sizes_get, random_get } from "./abi/wasi_snapshot_preview1";

const MAX_RANDOM_BYTES: i32 = 65536;

/** What Envoy's configuration gives the VM: `vm_config.environment_variables`. Null: there is no such variable. */
export function environmentVariable(name: string): string | null {
  if (environ_sizes_get(resultWord, resultSize) != 0) return null;
  const count = load<u32>(resultWord);
  const entries = allocate(<usize>count * 4);
  const texts = allocate(size());
  if (environ_get(entries, texts) != 0) return null;
  const prefix = name + "=";
  for (let i: u32 = 0; i < count; i++) {
    const start = load<usize>(entries + ((<usize>i) << 2));
    let end = start;
    while (load<u8>(end) != 0) end++;
    const text = decode(start, end - start);
    if (text.startsWith(prefix)) return text.substring(prefix.length);
  }
  return null;
}

/** Unpredictable bytes, at most 65,536. Null: the host has none. */
export function randomBytes(count: i32): ArrayBuffer | null {
  if (count < 0 || count > MAX_RANDOM_BYTES) return null;
  const bytes = new ArrayBuffer(count);
  return random_get(changetype<usize>(bytes), count) == 0 ? bytes : null;
}
