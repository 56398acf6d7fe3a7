import { streamContext } from "../../live";
import { enter, leave } from "../boundary";

export function proxy_on_upstream_connection_close(id: u32, peer: i32): void {
  enter(id);
  const context = streamContext(id);
  if (context !== null) context.onUpstreamClose(peer);
  leave();
}
