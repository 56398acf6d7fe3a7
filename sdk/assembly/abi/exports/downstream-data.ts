import { streamContext } from "../../live";
import { enter, leave } from "../boundary";

export function proxy_on_downstream_data(id: u32, size: u32, endOfStream: u32): i32 {
  enter(id);
  const context = streamContext(id);
  const result: i32 = context === null ? 0 : context.onDownstreamData(size, endOfStream != 0);
  leave();
  return min(result, 1);
}
