import { allocate } from "../abi/arena";
import {
  proxy_call_foreign_function,
  proxy_close_stream,
  proxy_continue_stream,
  proxy_send_local_response,
  proxy_set_tick_period_milliseconds,
} from "../abi/env";
import { encode, encodedSize } from "../abi/text";
import { Status } from "./status";

export enum StreamType {
  Request = 0,
  Response = 1,
  Downstream = 2,
  Upstream = 3,
}

export function setTickPeriod(periodMs: u32): Status {
  return <Status>proxy_set_tick_period_milliseconds(periodMs);
}

export function continueStream(stream: StreamType): Status {
  return <Status>proxy_continue_stream(stream);
}

export function closeStream(stream: StreamType): Status {
  return <Status>proxy_close_stream(stream);
}

/** A foreign function without argument and result. */
export function callForeignFunction(name: string): Status {
  const text = encode(name);
  return <Status>proxy_call_foreign_function(text, encodedSize, 0, 0, 0, 0);
}

/** `entries` are names and values in turn. The result is in the arena; its size is `serializedSize`. */
let serializedSize: usize = 0;

function serialize(entries: string[]): usize {
  const count = entries.length >> 1;
  let total: usize = 4 + ((<usize>count) << 3);
  for (let i = 0; i < count << 1; i++) total += <usize>String.UTF8.byteLength(entries[i]) + 1;
  const pairs = allocate(total);
  serializedSize = total;
  store<u32>(pairs, count);
  let data = pairs + 4 + ((<usize>count) << 3);
  for (let i = 0; i < count << 1; i++) {
    const text = entries[i];
    const size = String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, data);
    store<u32>(pairs + 4 + ((<usize>i) << 2), <u32>size);
    store<u8>(data + size, 0);
    data += size + 1;
  }
  return pairs;
}

export function sendLocalResponse(
  status: u32,
  details: string,
  body: string,
  headers: string[],
  grpcStatus: i32,
): Status {
  const detailText = encode(details);
  const detailSize = encodedSize;
  const bodyText = encode(body);
  const bodySize = encodedSize;
  const pairs = serialize(headers);
  return <Status>(
    proxy_send_local_response(status, detailText, detailSize, bodyText, bodySize, pairs, serializedSize, grpcStatus)
  );
}
