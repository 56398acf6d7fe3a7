import { createRegistryClient, loadCredentials } from "@weft/registry";
import { type ControlPlaneConfig, PREFLIGHT_TIMEOUT_MS } from "./config.js";
import { decodePluginManifest } from "./decode/plugin-manifest.js";
import { controlPlaneSpiffeId } from "./identity/control-plane-id.js";
import type { TlsIdentity } from "./identity/tls-identity.js";
import type { Logger } from "./log.js";
import type { ModuleCache } from "./modules/module-cache.js";
import { createModuleSource, type ModuleSourceOptions } from "./modules/module-source.js";
import { createModules, type Modules, type ModulesOptions } from "./modules/modules.js";
import { createPeerClient } from "./modules/peer-client.js";
import { createPeers } from "./modules/peers.js";
import { createPreflight } from "./modules/preflight.js";
import { withBytes } from "./modules/remembered-modules.js";
import type { StoredStatus } from "./status/document.js";
import { rememberedPlugins } from "./status/remembered.js";

export interface PluginModulesOptions {
  readonly config: ControlPlaneConfig;
  readonly cache: ModuleCache;
  /** The control plane's own certificate, for sister replicas. */
  readonly tlsIdentity: () => TlsIdentity;
  /** What the last run said of plugins. */
  readonly statuses: readonly StoredStatus[];
  readonly onRegistryWarning: NonNullable<ModuleSourceOptions["onWarning"]>;
  readonly onChange: ModulesOptions["onChange"];
  readonly logger: Logger;
}

/** Where modules come from, in the order in which they are asked: the cache, other replicas, the registry. */
export async function createPluginModules(options: PluginModulesOptions): Promise<Modules> {
  const { config, cache, logger } = options;
  const { peers = [], platform } = config;
  const ownCredentials = await loadCredentials(config.credentialFiles);
  const sisters = () =>
    createPeers({
      peers,
      ask: createPeerClient({
        identity: options.tlsIdentity,
        controlPlaneId: controlPlaneSpiffeId(config.trustDomain),
      }),
      onProblem: (peer, message) =>
        logger.warn(`replica ${peer} gives no module: ${message}`, { kind: "diagnostic", peer }),
    });
  return createModules({
    source: createModuleSource({
      onWarning: options.onRegistryWarning,
      createClient: (credentials = ownCredentials, onWarning) =>
        createRegistryClient({
          onWarning,
          plainHttp: config.plainHttpRegistries,
          credentials,
          retry: { maxRetries: 1 },
          timeoutMs: 10_000,
        }),
      cache,
      ...(peers.length === 0 ? {} : { peers: sisters() }),
      onCacheProblem: (error) => logger.warn("the module cache cannot be used; modules are pulled anew", { error }),
      ...(platform.kind === "folder" ? { folder: platform.folder } : {}),
    }),
    preflight: createPreflight({
      ...(config.envoyPath === undefined ? {} : { envoyPath: config.envoyPath }),
      envoyTimeoutMs: PREFLIGHT_TIMEOUT_MS,
    }),
    decodeManifest: decodePluginManifest,
    rootNamespace: config.rootNamespace,
    pollIntervalMs: config.tagPollMs,
    remembered: await withBytes(rememberedPlugins(options.statuses), cache),
    onChange: options.onChange,
  });
}
