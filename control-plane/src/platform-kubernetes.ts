import type { KubernetesConfig } from "./config.js";
import { createIdentityControl } from "./identity-control.js";
import { loadKubeconfig } from "./kubernetes/kubeconfig.js";
import { createKubernetesReader } from "./kubernetes/reader.js";
import type { Logger } from "./log.js";
import { ALONE, type Platform, type StatusStore } from "./platform.js";
import { createKubernetesSource } from "./source/kubernetes/source.js";

/** A mesh in a cluster: the API server has its objects, and is told what became of them. */
export async function createKubernetesPlatform(
  config: KubernetesConfig,
  _stateDir: string,
  logger: Logger,
): Promise<Platform> {
  const kubeconfig = loadKubeconfig(config.kubeconfig);
  logger.info("the mesh is in a cluster", { server: kubeconfig.getCurrentCluster()?.server });
  const api = createKubernetesReader(kubeconfig);
  return {
    source: createKubernetesSource({
      api,
      // To come: ConfigMap weft-last-good.
      lastGood: [],
      onProblem: (message) => logger.warn(message, { kind: "source" }),
    }),
    // To come: the status subresource, Events and ConfigMap weft-last-good; until then a restart forgets.
    status: forgetfulStatus(),
    // To come: the Lease weft-control-plane.
    leadership: ALONE,
    // To come: the Secret weft-ca, PodCertificateRequests and the token fallback.
    createIdentity: (options) => createIdentityControl({ ...options, config: config.identity }),
    close: async () => api.close(),
  };
}

function forgetfulStatus(): StatusStore {
  return {
    statuses: [],
    virtualServices: [],
    writer: { write: async () => {} },
    events: { take: async () => {} },
    keepInForce: async () => {},
  };
}
