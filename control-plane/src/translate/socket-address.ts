import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AddressSchema } from "../envoy-api/gen/envoy/config/core/v3/address_pb.js";

/** An IP address with a TCP port. */
export function socketAddress(address: string, port: number): MessageInitShape<typeof AddressSchema> {
  return {
    address: { case: "socketAddress", value: { address, portSpecifier: { case: "portValue", value: port } } },
  };
}
