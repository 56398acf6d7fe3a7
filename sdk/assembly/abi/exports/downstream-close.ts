import { streamContext } from "../../dispatcher";
import { enter, leave } from "../boundary";

export function proxy_on_downstream_connection_close(id: u32, peer: i32): void {
  enter();
  const context = streamContext(id);
  if (context !== null) context.onDownstreamClose(peer);
  leave();
}
