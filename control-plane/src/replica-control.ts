import { lookup } from "node:dns/promises";
import type { TlsIdentity } from "./identity/tls-identity.js";
import type { Logger } from "./log.js";
import { createPeerClient } from "./modules/peer-client.js";
import type { PeerService } from "./modules/peer-service.js";
import { PROXIES } from "./replicas/replica-protocol.js";
import type { ReportedProxy } from "./replicas/replica-report.js";
import { createReplicaService } from "./replicas/replica-service.js";
import { createReplicas, type Replicas } from "./replicas/replicas.js";

export interface ReplicaControlOptions {
  /** Name of this replica; undefined: there are no others of this mesh. */
  readonly replica: string | undefined;
  readonly peers: readonly string[];
  readonly tlsIdentity: () => TlsIdentity;
  readonly controlPlaneId: string;
  /** Proxies with a stream to this replica, by plugin. */
  readonly reported: () => Readonly<Record<string, readonly ReportedProxy[]>>;
  readonly onChange: (plugins: readonly string[]) => void;
  readonly logger: Logger;
}

const MAX_REPORT_BYTES = 64 * 1024 * 1024;

/** What replicas of one mesh know of each other's proxies, so that the one that leads counts and judges all of them. */
export function createReplicaControl(options: ReplicaControlOptions): Replicas & { readonly service: PeerService } {
  const { replica, controlPlaneId, logger } = options;
  const ask = createPeerClient({ identity: options.tlsIdentity, controlPlaneId, method: PROXIES });
  const replicas = createReplicas({
    peers: replica === undefined ? [] : options.peers,
    own: replica ?? "",
    resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
    ask: (peer, signal) => ask(peer, "", MAX_REPORT_BYTES, signal),
    onChange: options.onChange,
    onProblem: (peer, message) => logger.info(`replica ${peer} does not tell of its proxies: ${message}`, { peer }),
  });
  return {
    ...replicas,
    service: createReplicaService({
      controlPlaneId,
      report: () => ({ replica: replica ?? "", plugins: options.reported() }),
      onRefused: (peer) => logger.warn("a client that is no control plane asked for the proxies", { peer }),
    }),
  };
}
