import { streamContext } from "../../live";
import { enter, leave } from "../boundary";

export function proxy_on_downstream_connection_close(id: u32, peer: i32): void {
  enter(id);
  const context = streamContext(id);
  if (context !== null) context.onDownstreamClose(peer);
  leave();
}
