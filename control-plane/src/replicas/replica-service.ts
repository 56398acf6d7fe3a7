import { Metadata, type ServerWritableStream, status } from "@grpc/grpc-js";
import { isControlPlane } from "../modules/peer-protocol.js";
import { type PeerService, sendPieces } from "../modules/peer-service.js";
import { REPLICAS_SERVICE } from "./replica-protocol.js";
import type { ReplicaReport } from "./replica-report.js";

export interface ReplicaServiceOptions {
  /** The SPIFFE id of those who may ask. */
  readonly controlPlaneId: string;
  readonly report: () => ReplicaReport;
  /** Somebody else asked. */
  readonly onRefused: (peer: string) => void;
}

/** Tells other replicas of the control plane, and nobody else, of the proxies that have a stream to this one. */
export function createReplicaService({ controlPlaneId, report, onRefused }: ReplicaServiceOptions): PeerService {
  const tell = (call: ServerWritableStream<Buffer, Buffer>): void => {
    if (!isControlPlane(call.getAuthContext().sslPeerCertificate?.subjectaltname, controlPlaneId)) {
      onRefused(call.getPeer());
      const details = "reports are for control planes of this mesh";
      call.emit("error", { code: status.PERMISSION_DENIED, details, metadata: new Metadata() });
      return;
    }
    void sendPieces(call, Buffer.from(JSON.stringify(report())));
  };
  return { definition: REPLICAS_SERVICE, implementation: { Proxies: tell } };
}
