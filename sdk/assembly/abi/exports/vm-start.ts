import { startVm } from "../../dispatcher";
import { enter, leave } from "../boundary";

export function proxy_on_vm_start(id: u32, size: u32): u32 {
  enter(id);
  const result = startVm(id);
  leave();
  return result ? 1 : 0;
}
