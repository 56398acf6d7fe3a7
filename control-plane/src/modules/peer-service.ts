import { once } from "node:events";
import {
  Metadata,
  type ServerWritableStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { isDigest } from "@weft/registry";
import type { ModuleCache } from "./module-cache.js";
import { isControlPlane, MODULES_SERVICE, PIECE_BYTES } from "./peer-protocol.js";

/** A service for a gRPC server whose clients show certificates of the mesh. */
export interface PeerService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export interface PeerServiceOptions {
  readonly cache: ModuleCache;
  /** The SPIFFE id of those who may ask. */
  readonly controlPlaneId: string;
  /** Somebody else asked. */
  readonly onRefused: (peer: string) => void;
  /** Answers under way at a time. Default: 4. */
  readonly maxAnswers?: number;
}

type Call = ServerWritableStream<Buffer, Buffer>;

const MAX_ANSWERS = 4;
const MAX_REQUEST_BYTES = 200;

/** Gives sister replicas, and nobody else, the images that are in the cache. It asks nobody for what is not there. */
export function createPeerService(options: PeerServiceOptions): PeerService {
  const { cache, controlPlaneId, onRefused, maxAnswers = MAX_ANSWERS } = options;
  let answers = 0;
  const fetch = async (call: Call): Promise<void> => {
    const refuse = (code: number, details: string) => {
      call.emit("error", { code, details, metadata: new Metadata() });
    };
    const certificate = call.getAuthContext().sslPeerCertificate;
    if (!isControlPlane(certificate?.subjectaltname, controlPlaneId)) {
      onRefused(call.getPeer());
      return refuse(status.PERMISSION_DENIED, "modules are for control planes of this mesh");
    }
    const digest = call.request.subarray(0, MAX_REQUEST_BYTES).toString();
    if (!isDigest(digest)) return refuse(status.INVALID_ARGUMENT, "the request is no digest");
    if (answers >= maxAnswers) return refuse(status.RESOURCE_EXHAUSTED, `${answers} modules are being sent already`);
    answers++;
    try {
      const image = await cache.image(digest);
      if (image === undefined) return refuse(status.NOT_FOUND, `${digest} is not in the cache`);
      await sendPieces(call, image);
    } catch {
      refuse(status.INTERNAL, `${digest} cannot be read`);
    } finally {
      answers--;
    }
  };
  return { definition: MODULES_SERVICE, implementation: { Fetch: (call: Call) => void fetch(call) } };
}

/** No faster than the client reads. */
export async function sendPieces(call: Call, image: Uint8Array): Promise<void> {
  const gone = new AbortController();
  for (const event of ["cancelled", "close", "error"]) call.once(event, () => gone.abort());
  for (let at = 0; at < image.length && !gone.signal.aborted; at += PIECE_BYTES) {
    const goesOn = call.write(Buffer.from(image.subarray(at, at + PIECE_BYTES)));
    if (!goesOn) await once(call, "drain", { signal: gone.signal }).catch(() => undefined);
  }
  call.end();
}
