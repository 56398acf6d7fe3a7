import type { ServiceDefinition } from "@grpc/grpc-js";
import { FETCH } from "../modules/peer-protocol.js";

/** How replicas tell each other of their proxies: nothing is asked, and the report comes as JSON, in pieces. */
export const PROXIES = { ...FETCH, path: "/weft.replicas.v1.Replicas/Proxies" } as const;

export const REPLICAS_SERVICE: ServiceDefinition = { Proxies: PROXIES };
