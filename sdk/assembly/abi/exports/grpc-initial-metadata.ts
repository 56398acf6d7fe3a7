import { grpcInitialMetadata } from "../../grpc";
import { enter, leave } from "../boundary";

export function proxy_on_grpc_receive_initial_metadata(root: u32, token: u32, count: u32): void {
  enter(root);
  grpcInitialMetadata(token);
  leave();
}
