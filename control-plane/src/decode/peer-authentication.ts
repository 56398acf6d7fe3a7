import type { MtlsMode, PeerAuthentication } from "../model/peer-authentication.js";
import { child, type Field, type Reader, readMap, readObject, readOneOf, readString, refuse, show } from "./fields.js";
import type { Metadata } from "./metadata.js";
import { readSelector } from "./selector.js";

const MODES: readonly (MtlsMode | "UNSET")[] = ["STRICT", "PERMISSIVE", "DISABLE", "UNSET"];

/**
 * A security.istio.io PeerAuthentication. A selector without labels selects everything, as no selector does.
 * https://istio.io/latest/docs/reference/config/security/peer_authentication/
 */
export function readPeerAuthentication(metadata: Metadata): Reader<PeerAuthentication> {
  return readObject((fields, field) => {
    const selector = fields.optional("selector", readSelector);
    const mode = fields.optional("mtls", readMtls);
    const ports = fields.optional("portLevelMtls", readMap(readPortKey, readMtls));
    if (ports !== undefined && Object.keys(ports).length > 0 && selector === undefined)
      refuse(
        child(field, "portLevelMtls", undefined),
        "MissingSelector",
        "is for the ports of all workloads",
        "add selector.matchLabels: ports are those of certain workloads",
      );
    const given = Object.entries(ports ?? {}).filter(([, portMode]) => portMode !== "UNSET");
    const { namespace, name } = metadata;
    return {
      namespace,
      name,
      ...(selector !== undefined && { selector }),
      ...(mode !== undefined && mode !== "UNSET" && { mode }),
      ...(given.length > 0 && { ports: Object.fromEntries(given) as Record<number, MtlsMode> }),
    };
  });
}

/** A port is a key here, and so a string. */
function readPortKey(field: Field): string | undefined {
  const text = readString(5)(field);
  if (text === undefined || (/^[1-9]\d*$/.test(text) && Number(text) <= 65535)) return text;
  return refuse(field, "OutOfRange", `is ${show(text)}`, "use the number of a port of the workload, from 1 to 65535");
}

const readMtls: Reader<MtlsMode | "UNSET"> = readObject((fields) => fields.optional("mode", readOneOf(MODES)));
