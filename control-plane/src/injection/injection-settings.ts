import { DEFAULT_PROXY_IMAGE } from "./pod-names.js";

/** What an operator decides for all pods; annotations of a pod come before it. */
export interface InjectionSettings {
  /** Namespace of the control plane; its pods have no sidecars. */
  readonly rootNamespace: string;
  readonly trustDomain: string;
  /** The control plane as pods reach it. */
  readonly xdsAddress: { readonly host: string; readonly port: number };
  readonly proxy: ProxySettings;
  /** Image with iptables-restore, ip6tables-restore, ip and a shell. */
  readonly initImage: string;
  /** Whether apps' DNS questions go to the sidecar. */
  readonly captureDns: boolean;
  /** Of the images above, beside those that the pod names. */
  readonly imagePullSecrets: readonly string[];
}

/** The sidecar's container. */
export interface ProxySettings {
  readonly image: string;
  /** Absent: Kubernetes decides by the image's tag. */
  readonly imagePullPolicy?: ImagePullPolicy;
  /** Quantities of Kubernetes; absent: none is set. */
  readonly cpuRequest?: string;
  readonly cpuLimit?: string;
  readonly memoryRequest?: string;
  readonly memoryLimit?: string;
  /** Worker threads of Envoy. */
  readonly concurrency: number;
  readonly logLevel: LogLevel;
  /** Connections from outside that the sidecar takes at most. */
  readonly maxConnections: number;
  /** How long the sidecar may take until it is ready, before it is started anew. */
  readonly startupSeconds: number;
}

export const IMAGE_PULL_POLICIES = ["Always", "IfNotPresent", "Never"] as const;
export type ImagePullPolicy = (typeof IMAGE_PULL_POLICIES)[number];

export const LOG_LEVELS = ["trace", "debug", "info", "warning", "error", "critical", "off"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The sidecar where neither the operator nor the pod says something else. */
export const DEFAULT_PROXY: ProxySettings = {
  image: DEFAULT_PROXY_IMAGE,
  cpuRequest: "50m",
  memoryRequest: "64Mi",
  // No limit of processor time: a sidecar that is throttled makes every request of its app slow.
  memoryLimit: "1Gi",
  concurrency: 2,
  logLevel: "warning",
  maxConnections: 50_000,
  startupSeconds: 600,
};

/** Settings with all defaults. */
export function injectionSettings(
  given: Pick<InjectionSettings, "rootNamespace" | "trustDomain" | "initImage"> &
    Partial<Omit<InjectionSettings, "proxy">> & { readonly proxy?: Partial<ProxySettings> },
): InjectionSettings {
  return {
    xdsAddress: { host: `weft-control-plane.${given.rootNamespace}.svc`, port: 15012 },
    captureDns: false,
    imagePullSecrets: [],
    ...given,
    proxy: { ...DEFAULT_PROXY, ...given.proxy },
  };
}
