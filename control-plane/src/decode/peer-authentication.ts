import type { MtlsMode, PeerAuthentication } from "../model/peer-authentication.js";
import { type Reader, readObject, readOneOf } from "./fields.js";
import type { Metadata } from "./metadata.js";
import { readSelector } from "./selector.js";

const MODES: readonly (MtlsMode | "UNSET")[] = ["STRICT", "PERMISSIVE", "DISABLE", "UNSET"];

/**
 * A security.istio.io PeerAuthentication. A selector without labels selects everything, as no selector does.
 * https://istio.io/latest/docs/reference/config/security/peer_authentication/
 */
export function readPeerAuthentication(metadata: Metadata): Reader<PeerAuthentication> {
  return readObject((fields) => {
    fields.unsupported({ portLevelMtls: "remove it and set mtls.mode for the whole workload" });
    const selector = fields.optional("selector", readSelector);
    const mode = fields.optional("mtls", readMtls);
    const { namespace, name } = metadata;
    return {
      namespace,
      name,
      ...(selector !== undefined && { selector }),
      ...(mode !== undefined && mode !== "UNSET" && { mode }),
    };
  });
}

const readMtls: Reader<MtlsMode | "UNSET"> = readObject((fields) => fields.optional("mode", readOneOf(MODES)));
