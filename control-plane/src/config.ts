import type { InjectionSettings } from "./injection/injection-settings.js";
import type { IdentityFiles } from "./model/mesh-settings.js";

/** All that a control plane is told from outside. The command line makes it; nothing else reads flags. */
export interface ControlPlaneConfig {
  /** Where the objects of the mesh come from, and their statuses go. */
  readonly platform: PlatformConfig;
  /** Where the module cache is kept, and with a folder the statuses; `<folder>/.weft` for `weft up`. */
  readonly stateDir: string;
  readonly xdsHost: string;
  readonly xdsPort: number;
  /** Port of 127.0.0.1 at which xDS is served without TLS, to whoever asks, for tools and benchmarks. Absent: none. */
  readonly plaintextXdsPort?: number;
  /** How proxies name the files of their identity. */
  readonly proxyIdentityFiles: IdentityFiles;
  readonly trustDomain: string;
  readonly rootNamespace: string;
  /** Envoy, which has the last word in the pre-flight of plugins; absent: our own host alone. */
  readonly envoyPath?: string;
  /** Registries (`host:port`) that are spoken to without TLS. */
  readonly plainHttpRegistries: readonly string[];
  /** Files with credentials of registries, in docker's form, in the order in which they are asked; none need be there. */
  readonly credentialFiles: readonly string[];
  /** xDS servers (`host:port`) of other replicas, which are asked for a module before the registry is. Default: none. */
  readonly peers?: readonly string[];
  /** How often a tag with `imagePullPolicy: Always` is looked at again. */
  readonly tagPollMs: number;
  /** Where metrics and probes are served, without TLS; port 0: a free one. Absent: nowhere. */
  readonly metrics?: { readonly host: string; readonly port: number };
  /** Unix socket for `weft` commands on the same machine. */
  readonly adminSocket: string;
}

export type PlatformConfig = FolderConfig | KubernetesConfig;

/** One machine: a folder with the YAML of the mesh. */
export interface FolderConfig {
  readonly kind: "folder";
  readonly folder: string;
  readonly identity: Exclude<IdentityConfig, { readonly kind: "cluster" }>;
}

/** A cluster, by its API server. */
export interface KubernetesConfig {
  readonly kind: "kubernetes";
  /** File that says where the API server is and who we are; absent: what a pod of the cluster is given. */
  readonly kubeconfig?: string;
  /** Of the control plane itself. */
  readonly namespace: string;
  /** Name of the control plane's own pod, by which replicas are told apart. */
  readonly podName: string;
  /** Absent: pods get no sidecars, and objects are not checked when they are written. */
  readonly webhooks?: WebhooksConfig;
  readonly identity: IdentityConfig;
}

export interface WebhooksConfig {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** `https://<name>:<port>` by which the API server calls; absent: by the control plane's Service. */
  readonly origin?: string;
  readonly settings: InjectionSettings;
}

/** Where the control plane's own certificate comes from. */
export type IdentityConfig =
  /** PEM files that somebody else renews: its chain and key, and the roots of the mesh. */
  | { readonly kind: "files"; readonly certificate: string; readonly privateKey: string; readonly trustBundle: string }
  /** It is the authority of the mesh itself. */
  | {
      readonly kind: "authority";
      /** Folder of roots, intermediates and tokens; made when it is missing. */
      readonly directory: string;
      /** Folders of workloads on this machine, whose requests are signed. */
      readonly workloadsDir?: string;
      /** Port at which workloads elsewhere enrol with a token; 0: a free one. Absent: they cannot. */
      readonly enrolmentPort?: number;
      /** Lifetime of certificates. Default: 24 hours. */
      readonly certificateTtlMs?: number;
      /** A root is dropped so long after the end of its last certificate. Default: a minute. */
      readonly clockSkewMs?: number;
    }
  /** Secret `weft-ca` has the authority, and pods ask by PodCertificateRequests. In a cluster only. */
  | { readonly kind: "cluster"; readonly certificateTtlMs?: number; readonly clockSkewMs?: number };

export const DEFAULT_TRUST_DOMAIN = "cluster.local";
export const DEFAULT_ROOT_NAMESPACE = "weft-system";
export const MODULE_CACHE_BYTES = 256 * 1024 * 1024;
export const PREFLIGHT_TIMEOUT_MS = 20_000;
