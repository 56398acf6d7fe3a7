import { httpContext } from "../../live";
import { enter, leave } from "../boundary";

export function proxy_on_response_metadata(id: u32, count: u32): i32 {
  enter(id);
  const context = httpContext(id);
  if (context !== null) context.onResponseMetadata(count);
  leave();
  return 0;
}
