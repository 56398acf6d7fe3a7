import { httpContext } from "../../live";
import { enter, leave } from "../boundary";

export function proxy_on_request_body(id: u32, size: u32, endOfStream: u32): i32 {
  enter(id);
  const context = httpContext(id);
  const result: i32 = context === null ? 0 : context.onRequestBody(size, endOfStream != 0);
  leave();
  return result;
}
