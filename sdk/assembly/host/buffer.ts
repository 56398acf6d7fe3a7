import { proxy_get_buffer_bytes, proxy_get_buffer_status, proxy_set_buffer_bytes } from "../abi/env";
import { clear, pointer, resultPointer, resultSize, resultWord, size } from "../abi/result";
import { copyBytes, decode } from "../abi/text";
import { Status } from "./status";

export enum Buffer {
  RequestBody = 0,
  ResponseBody = 1,
  DownstreamData = 2,
  UpstreamData = 3,
  HttpCallResponseBody = 4,
  GrpcMessage = 5,
  VmConfiguration = 6,
  PluginConfiguration = 7,
  CallData = 8,
}

/** Fetches at most `length` bytes from `start` to where `pointer` and `size` say; false where there is no buffer. */
export function fetchBuffer(buffer: Buffer, start: u32, length: u32): bool {
  clear();
  return proxy_get_buffer_bytes(buffer, start, length, resultPointer, resultSize) == Status.Ok;
}

/** At most `length` bytes from `start`; null where the buffer is not there in this phase. */
export function bufferBytes(buffer: Buffer, start: u32, length: u32): ArrayBuffer | null {
  return fetchBuffer(buffer, start, length) ? copyBytes(pointer(), size()) : null;
}

export function bufferText(buffer: Buffer, start: u32, length: u32): string | null {
  return fetchBuffer(buffer, start, length) ? decode(pointer(), size()) : null;
}

export function bufferSize(buffer: Buffer): u32 {
  return proxy_get_buffer_status(buffer, resultSize, resultWord) == Status.Ok ? <u32>size() : 0;
}

/** Replaces `length` bytes from 0, or appends where `start` is behind the end. Envoy refuses a start within. */
export function writeBuffer(buffer: Buffer, start: u32, length: u32, bytes: ArrayBuffer): Status {
  return <Status>proxy_set_buffer_bytes(buffer, start, length, changetype<usize>(bytes), <usize>bytes.byteLength);
}
