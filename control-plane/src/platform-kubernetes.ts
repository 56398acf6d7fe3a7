import { createClusterApi } from "./cluster-api.js";
import { createClusterIdentity } from "./cluster-identity.js";
import type { KubernetesConfig } from "./config.js";
import { controlPlaneDnsNames } from "./identity/kubernetes/names.js";
import { createIdentityControl } from "./identity-control.js";
import { createKubernetesApi } from "./kubernetes/api.js";
import { openClusterStatus } from "./kubernetes/cluster-status.js";
import { createElector } from "./kubernetes/elector.js";
import { loadKubeconfig } from "./kubernetes/kubeconfig.js";
import { createLeaseStore } from "./kubernetes/lease.js";
import { createKubernetesReader } from "./kubernetes/reader.js";
import { withoutRepeats } from "./kubernetes/repeats.js";
import type { Logger } from "./log.js";
import type { Platform } from "./platform.js";
import { createKubernetesSource } from "./source/kubernetes/source.js";
import type { StoredStatus } from "./status/document.js";
import { createWebhookControl } from "./webhook-control.js";

/** A mesh in a cluster: the API server has its objects, and is told what became of them. */
export async function createKubernetesPlatform(
  config: KubernetesConfig,
  _stateDir: string,
  logger: Logger,
): Promise<Platform> {
  const kubeconfig = loadKubeconfig(config.kubeconfig);
  logger.info("the mesh is in a cluster", { server: kubeconfig.getCurrentCluster()?.server });
  const reader = createKubernetesReader(kubeconfig);
  const api = createKubernetesApi(kubeconfig);
  const { identity, namespace } = config;
  const leadership = createElector({
    store: createLeaseStore(api, namespace, LEASE_NAME),
    identity: config.podName,
    onEvent: (level, message) => logger[level](message, { kind: "leader" }),
  });
  const status = await openClusterStatus({
    ...{ api, leadership, namespace, podName: config.podName },
    onProblem: (message) => logger.warn(message, { kind: "status" }),
  });
  const identityApi = createClusterApi(api, reader, (message) => logger.warn(message, { kind: "identity" }));
  const followers = new Set<(status: StoredStatus) => void>();
  return {
    source: createKubernetesSource({
      api: reader,
      lastGood: status.lastGood,
      onPluginStatus: (stored) => {
        for (const follower of followers) follower(stored);
      },
      onProblem: withoutRepeats((message) => logger.warn(message, { kind: "source" })),
    }),
    status,
    leadership,
    // The kubelet asks a pod's sidecar, and EndpointSlices say what it found.
    awaitsListeners: false,
    replica: config.podName,
    handOverMs: HAND_OVER_MS,
    followPlugins(listener) {
      followers.add(listener);
      return () => void followers.delete(listener);
    },
    createIdentity: (options) =>
      identity.kind === "cluster"
        ? createClusterIdentity({
            ...options,
            ...identity,
            ...{ api: identityApi, namespace, replica: config.podName, leadership },
            dnsNames: controlPlaneDnsNames(namespace),
          })
        : createIdentityControl({ ...options, config: identity }),
    serveWebhooks: async (reviewPlugin) => {
      const { webhooks } = config;
      if (webhooks === undefined) {
        logger.warn("no webhooks are served: pods get no sidecars, and objects are not checked when they are written");
        return { close: async () => {} };
      }
      const { host, port, origin, settings } = webhooks;
      return createWebhookControl({
        ...{ api: identityApi, namespace, leadership, host, port, reviewPlugin, logger },
        settings: () => settings,
        dnsNames: [...controlPlaneDnsNames(namespace), ...(origin === undefined ? [] : [new URL(origin).hostname])],
        ...(origin === undefined ? {} : { client: { kind: "url", origin } }),
      });
    },
    async close() {
      status.close();
      await leadership.resign();
      reader.close();
      api.close();
    },
  };
}

/** In the control plane's own namespace. */
const LEASE_NAME = "weft-control-plane";
/** Well within the 30 seconds that a pod has to end. */
const HAND_OVER_MS = 5_000;
