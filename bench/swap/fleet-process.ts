import { createCertificateRequest, createPrivateKeyPem } from "@weft/control-plane/identity/certificate-request";
import { loadOrCreateAuthority } from "@weft/control-plane/identity/load-or-create-authority";
import { signWorkload } from "@weft/control-plane/identity/sign";
import { serveParent } from "./child.js";
import { createFleet, type Fleet, type FleetProgress, type FleetReport } from "./fleet.js";
import { clientApp, clientName } from "./mesh-yaml.js";

export interface FleetStart {
  readonly clients: number;
  /** The folder of the mesh's authority, which signs the clients as it signs sidecars. */
  readonly authority: string;
  readonly trustDomain: string;
  readonly host: string;
  readonly port: number;
}

/** The simulated sidecars, for `startChild`. */
export interface FleetMethods {
  /** Makes their identities and begins to connect them; returns at once. */
  start(options: FleetStart): void;
  progress(argument: undefined): FleetProgress;
  /** From now on only what comes now counts. */
  mark(argument: undefined): void;
  report(argument: undefined): FleetReport;
}

const CERTIFICATE_TTL_MS = 24 * 3600 * 1000;

let fleet: Fleet | undefined;
let problem: string | undefined;

async function start(options: FleetStart): Promise<void> {
  const { clients, trustDomain, host, port } = options;
  const authority = await loadOrCreateAuthority(options.authority, { trustDomain });
  fleet = createFleet({
    clients,
    host,
    port,
    identify: async (index) => {
      const privateKey = await createPrivateKeyPem();
      const signed = await signWorkload(authority, await createCertificateRequest(privateKey), {
        namespace: "default",
        serviceAccount: clientApp(index),
        workload: clientName(index),
        ttlMs: CERTIFICATE_TTL_MS,
        nowMs: Date.now(),
      });
      if (!signed.ok) throw new Error(signed.message);
      return {
        nodeId: clientName(index),
        identity: { root: authority.rootPem, privateKey, certificateChain: signed.chainPem },
      };
    },
  });
  await fleet.connected;
}

function running(): Fleet {
  if (problem !== undefined) throw new Error(problem);
  if (fleet === undefined) throw new Error("the clients were not started yet");
  return fleet;
}

serveParent<FleetMethods>({
  start: (options) => {
    start(options).catch((error: unknown) => {
      problem = error instanceof Error ? error.message : String(error);
    });
  },
  progress: () => (fleet === undefined && problem === undefined ? { complete: 0, lost: [] } : running().progress()),
  mark: () => running().mark(),
  report: () => running().report(),
});
