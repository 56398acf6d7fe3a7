import type { PeerCertificate } from "node:tls";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { FETCH, isControlPlane } from "./peer-protocol.js";
import type { AskPeer } from "./peers.js";

export interface PeerClientOptions {
  /** The control plane's own certificate chain and key, and the roots of the mesh, as they are now: PEM. */
  readonly identity: () => {
    readonly certificateChain: string;
    readonly privateKey: string;
    readonly roots: string;
  };
  /** The SPIFFE id that sisters must have. */
  readonly controlPlaneId: string;
  /** What is asked. Default: for an image. */
  readonly method?: Pick<typeof FETCH, "requestSerialize" | "responseDeserialize"> & { readonly path: string };
}

/** Asks sister replicas for images, over mTLS: it believes to be a sister only who has the control plane's own identity. */
export function createPeerClient({ identity, controlPlaneId, method = FETCH }: PeerClientOptions): AskPeer {
  const checkServerIdentity = (_host: string, { subjectaltname }: PeerCertificate) =>
    isControlPlane(subjectaltname, controlPlaneId) ? undefined : new Error("it is no control plane of this mesh");
  return (peer, digest, maxBytes, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const { roots, privateKey, certificateChain } = identity();
      const pems = [Buffer.from(roots), Buffer.from(privateKey), Buffer.from(certificateChain)] as const;
      const channel = credentials.createSsl(...pems, { checkServerIdentity });
      // Asked seldom, and for one thing: a connection that is kept would only have to be looked after.
      const client = new Client(peer, channel, {
        "grpc.enable_retries": 0,
        "grpc.use_local_subchannel_pool": 1,
        // Sisters are known by their SPIFFE id, whatever their address.
        "grpc.ssl_target_name_override": "localhost",
      });
      const { path, requestSerialize, responseDeserialize } = method;
      const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, Buffer.from(digest));
      const parts: Buffer[] = [];
      let size = 0;
      const end = (settle: () => void) => {
        signal.removeEventListener("abort", abort);
        settle();
        call.cancel();
        client.close();
      };
      const abort = () => end(() => reject(signal.reason));
      signal.addEventListener("abort", abort);
      call.on("data", (part: Buffer) => {
        parts.push(part);
        size += part.length;
        if (size > maxBytes) end(() => reject(new Error(`it sends more than ${maxBytes} bytes`)));
      });
      call.on("end", () => end(() => resolve(Buffer.concat(parts))));
      call.on("error", (error: ServiceError) =>
        end(() => (error.code === status.NOT_FOUND ? resolve(undefined) : reject(new Error(error.details)))),
      );
    });
}
