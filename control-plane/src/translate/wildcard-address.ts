import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AddressSchema } from "../envoy-api/gen/envoy/config/core/v3/address_pb.js";
import type { Workload } from "../model/workload.js";

/** Any address, of the families that the workload has: where it has IPv6, a socket of IPv6 takes IPv4 too. */
export function wildcardAddress(workload: Workload, port: number): MessageInitShape<typeof AddressSchema> {
  const isV6 = workload.address.includes(":");
  return {
    address: {
      case: "socketAddress",
      value: {
        address: isV6 ? "::" : "0.0.0.0",
        portSpecifier: { case: "portValue", value: port },
        ...(isV6 && { ipv4Compat: true }),
      },
    },
  };
}
