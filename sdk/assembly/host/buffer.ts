import { proxy_get_buffer_bytes } from "../abi/env";
import { clear, pointer, resultPointer, resultSize, size } from "../abi/result";
import { decode } from "../abi/text";
import { Status } from "./status";

export enum Buffer {
  RequestBody = 0,
  ResponseBody = 1,
  DownstreamData = 2,
  UpstreamData = 3,
  PluginConfiguration = 7,
}

/** At most `length` bytes from `start`; null where the buffer is not there in this phase. */
export function bufferBytes(buffer: Buffer, start: u32, length: u32): ArrayBuffer | null {
  clear();
  if (proxy_get_buffer_bytes(buffer, start, length, resultPointer, resultSize) != Status.Ok) return null;
  const copied = size();
  const bytes = new ArrayBuffer(<i32>copied);
  memory.copy(changetype<usize>(bytes), pointer(), copied);
  return bytes;
}

export function bufferText(buffer: Buffer, start: u32, length: u32): string | null {
  clear();
  if (proxy_get_buffer_bytes(buffer, start, length, resultPointer, resultSize) != Status.Ok) return null;
  return decode(pointer(), size());
}
