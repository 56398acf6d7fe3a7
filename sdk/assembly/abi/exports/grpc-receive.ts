import { grpcReceive } from "../../grpc";
import { enter, leave } from "../boundary";

export function proxy_on_grpc_receive(root: u32, token: u32, size: u32): void {
  enter(root);
  grpcReceive(token, size);
  leave();
}
