import type { OutboundMode } from "../model/sidecar.js";
import { type Reader, readObject, readOneOf } from "./fields.js";

/** `outboundTrafficPolicy` of a Sidecar and of the mesh. */
export const readOutboundPolicy: Reader<OutboundMode> = readObject((fields) => {
  fields.unsupported({ egressProxy: "remove it; gateways are not part of the mesh" });
  return fields.optional("mode", readOneOf(["ALLOW_ANY", "REGISTRY_ONLY"]));
});
