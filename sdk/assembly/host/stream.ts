import { proxy_close_stream, proxy_continue_stream, proxy_send_local_response } from "../abi/env";
import { encode, encodedSize } from "../abi/text";
import { serialize, serializedSize } from "./pairs";
import { Status } from "./status";

export enum StreamType {
  Request = 0,
  Response = 1,
  Downstream = 2,
  Upstream = 3,
}

export function continueStream(stream: StreamType): Status {
  return <Status>proxy_continue_stream(stream);
}

export function closeStream(stream: StreamType): Status {
  return <Status>proxy_close_stream(stream);
}

/** `body` is an address: text in the arena or a buffer's bytes. */
export function sendLocalResponse(
  status: u32,
  details: string,
  body: usize,
  bodySize: usize,
  headers: string[],
  grpcStatus: i32,
): Status {
  const detailText = encode(details);
  const detailSize = encodedSize;
  const pairs = serialize(headers);
  return <Status>(
    proxy_send_local_response(status, detailText, detailSize, body, bodySize, pairs, serializedSize, grpcStatus)
  );
}
