import { controlPlaneSpiffeId } from "../identity/control-plane-id.js";
import { buildBootstrap } from "./bootstrap.js";
import { DRAIN_ARGUMENTS } from "./drain-arguments.js";
import { POD_DIRECTORIES, POD_FILES } from "./identity-files.js";
import type { InjectionSettings, ProxySettings } from "./injection-settings.js";
import { DRAIN_PORT, PROXY_UID } from "./interception-options.js";
import type { JsonObject } from "./json.js";
import { DRAIN_PATH, KUBELET_HEADER, type KubeletAccess } from "./kubelet-access.js";
import { IDENTITY_VOLUME, PROXY_CONTAINER, SECRETS_VOLUME } from "./pod-names.js";
import { HEALTH_PORT, METRICS_PORT } from "./ports.js";

/** What the kubelet puts into the arguments: none of it is known when a pod is admitted. */
const VARIABLES: Readonly<Record<string, string>> = {
  POD_NAME: "metadata.name",
  POD_NAMESPACE: "metadata.namespace",
  POD_IP: "status.podIP",
  SERVICE_ACCOUNT: "spec.serviceAccountName",
};

export interface ProxyContainerOptions {
  readonly settings: InjectionSettings;
  readonly proxy: ProxySettings;
  readonly labels: Readonly<Record<string, string>>;
  readonly kubelet: KubeletAccess;
}

/** The sidecar. It has no rights but to run Envoy, and none in the API. */
export function proxyContainer({ settings, proxy, labels, kubelet }: ProxyContainerOptions): JsonObject {
  const bootstrap = buildBootstrap({
    namespace: "$(POD_NAMESPACE)",
    name: "$(POD_NAME)",
    address: "$(POD_IP)",
    // What the sidecar sends to the pod's own address would go in as a call of the app's.
    adminAddress: "127.0.0.1",
    serviceAccount: "$(SERVICE_ACCOUNT)",
    labels,
    maxDownstreamConnections: proxy.maxConnections,
    xdsAddress: settings.xdsAddress,
    controlPlaneId: controlPlaneSpiffeId(settings.trustDomain),
    files: POD_FILES,
    kubelet,
  });
  const ready: JsonObject = { httpGet: { path: "/healthz/ready", port: HEALTH_PORT }, timeoutSeconds: 3 };
  return {
    name: PROXY_CONTAINER,
    image: proxy.image,
    ...(proxy.imagePullPolicy === undefined ? {} : { imagePullPolicy: proxy.imagePullPolicy }),
    // It stays beside the app, is ready before the app starts, ends after it, and a Job does not wait for it.
    restartPolicy: "Always",
    command: ["envoy"],
    args: [
      ...["--config-yaml", keepFromKubelet(JSON.stringify(bootstrap))],
      ...["--concurrency", String(proxy.concurrency), "--disable-hot-restart", "--log-level", proxy.logLevel],
      ...DRAIN_ARGUMENTS,
    ],
    env: Object.entries(VARIABLES).map(([name, fieldPath]) => ({ name, valueFrom: { fieldRef: { fieldPath } } })),
    ports: [{ name: "weft-metrics", containerPort: METRICS_PORT, protocol: "TCP" }],
    resources: resourcesOf(proxy),
    startupProbe: { ...ready, periodSeconds: 1, failureThreshold: proxy.startupSeconds },
    readinessProbe: { ...ready, periodSeconds: 10, failureThreshold: 3 },
    livenessProbe: { ...ready, periodSeconds: 10, failureThreshold: 6 },
    lifecycle: {
      preStop: {
        httpGet: {
          path: DRAIN_PATH,
          port: DRAIN_PORT,
          httpHeaders: [{ name: KUBELET_HEADER, value: kubelet.token }],
        },
      },
    },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: PROXY_UID,
      runAsNonRoot: true,
      runAsUser: PROXY_UID,
      seccompProfile: { type: "RuntimeDefault" },
    },
    volumeMounts: [
      { name: IDENTITY_VOLUME, mountPath: POD_DIRECTORIES.identity, readOnly: true },
      { name: SECRETS_VOLUME, mountPath: POD_DIRECTORIES.secrets, readOnly: true },
    ],
  };
}

/**
 * The kubelet takes `$$` for a dollar, and of `$(NAME)` only our variables are meant.
 * https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/
 */
function keepFromKubelet(text: string): string {
  return text.replace(/\$(?:\((\w+)\))?/g, (all, name: string | undefined) =>
    name !== undefined && Object.hasOwn(VARIABLES, name) ? all : `$${all}`,
  );
}

function resourcesOf({ cpuRequest, cpuLimit, memoryRequest, memoryLimit }: ProxySettings): JsonObject {
  const amounts = (cpu: string | undefined, memory: string | undefined): JsonObject => ({
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
  });
  return { requests: amounts(cpuRequest, memoryRequest), limits: amounts(cpuLimit, memoryLimit) };
}
