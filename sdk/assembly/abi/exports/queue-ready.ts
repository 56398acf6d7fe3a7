import { queueReady } from "../../dispatcher";
import { enter, leave } from "../boundary";

export function proxy_on_queue_ready(id: u32, queue: u32): void {
  enter(id);
  queueReady(id, queue);
  leave();
}
