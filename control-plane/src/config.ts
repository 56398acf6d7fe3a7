import type { IdentityFiles } from "./model/mesh-settings.js";

/** All that a control plane is told from outside. The command line makes it; nothing else reads flags. */
export interface ControlPlaneConfig {
  /** Folder with the YAML of the mesh. */
  readonly folder: string;
  /** Where status files and the module cache are kept, `<folder>/.weft` for `weft up`. */
  readonly stateDir: string;
  readonly xdsHost: string;
  readonly xdsPort: number;
  /** The control plane's own certificate chain and key, and the roots of the mesh: PEM files. */
  readonly identity: { readonly certificate: string; readonly privateKey: string; readonly trustBundle: string };
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
  /** How often a tag with `imagePullPolicy: Always` is looked at again. */
  readonly tagPollMs: number;
  /** Unix socket for `weft` commands on the same machine. */
  readonly adminSocket: string;
}

export const DEFAULT_TRUST_DOMAIN = "cluster.local";
export const DEFAULT_ROOT_NAMESPACE = "weft-system";
export const MODULE_CACHE_BYTES = 256 * 1024 * 1024;
export const PREFLIGHT_TIMEOUT_MS = 20_000;
