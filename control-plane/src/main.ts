import { join } from "node:path";
import { serveAdmin } from "./admin.js";
import { adminQuestions } from "./admin-questions.js";
import { type ControlPlaneConfig, MODULE_CACHE_BYTES } from "./config.js";
import { createHandovers, departureActions } from "./handover/handovers.js";
import { controlPlaneSpiffeId } from "./identity/control-plane-id.js";
import { peerIdentity, replacedProblem } from "./identity/peer-identity.js";
import type { TlsIdentity } from "./identity/tls-identity.js";
import { createJournal } from "./journal.js";
import type { Logger } from "./log.js";
import { createMeshStatus } from "./mesh-status.js";
import { createControlPlaneMetrics } from "./metrics/control-plane-metrics.js";
import { serveMetrics } from "./metrics/metrics-server.js";
import { controlPlaneChecks } from "./metrics/readiness.js";
import { VERSION } from "./metrics/version.js";
import { servedPlugin } from "./model/module-state.js";
import { formatObjectRef } from "./model/object-ref.js";
import type { ResourceType } from "./model/resource.js";
import { hasCandidate, servedTo } from "./model/rollout.js";
import { createModuleCache } from "./modules/module-cache.js";
import { createPeerService } from "./modules/peer-service.js";
import { ALONE, type Platform } from "./platform.js";
import { createFolderPlatform } from "./platform-folder.js";
import { createKubernetesPlatform } from "./platform-kubernetes.js";
import { createPluginModules } from "./plugin-modules.js";
import { createPluginReview } from "./plugin-review.js";
import {
  expectedVersions,
  handoverProxy,
  proxySlots,
  refusals,
  remoteCounts,
  reportedProxies,
  trustingProxies,
} from "./proxy-reports.js";
import { PUBLIC_ROOTS } from "./public-roots.js";
import { createReplicaControl } from "./replica-control.js";
import { createHealthReader } from "./rollout/health-reader.js";
import { createRolloutControl, followStatus, listRollouts, rolloutActions } from "./rollout-control.js";
import type { ApplyEvent, SourceBatch } from "./source/source.js";
import { statusKey, storedConditions } from "./status/document.js";
import { createPropagation } from "./status/propagation.js";
import { createStatusPublisher } from "./status-publisher.js";
import { createStore, type StoreChange } from "./store/store.js";
import { blamedPlugins } from "./translate/blame.js";
import { createIncrementalTranslation } from "./translate/incremental.js";
import type { TlsOptions } from "./xds/grpc.js";
import { createXdsServer } from "./xds/server.js";
import { createTranslationProvider } from "./xds/translation-provider.js";

/** A running control plane. */
export interface ControlPlane {
  readonly xdsPort: number;
  /** Rejects when the control plane cannot go on; until then pending. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** Reads the mesh, gets the plugins, and serves xDS. Resolves when proxies may connect. */
export async function startControlPlane(config: ControlPlaneConfig, logger: Logger): Promise<ControlPlane> {
  const undo: (() => Promise<unknown> | unknown)[] = [];
  const close = async () => {
    while (undo.length > 0) await undo.pop()?.();
  };
  try {
    return { ...(await start(config, logger, undo)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function createPlatform({ platform, stateDir }: ControlPlaneConfig, logger: Logger): Promise<Platform> {
  return platform.kind === "folder"
    ? createFolderPlatform(platform, stateDir, logger)
    : createKubernetesPlatform(platform, stateDir, logger);
}

const tlsOf = ({ roots, privateKey, certificateChain }: TlsIdentity): TlsOptions => ({
  rootCert: roots,
  keyCertPairs: [{ privateKey, certificateChain }],
});

async function start(
  config: ControlPlaneConfig,
  logger: Logger,
  undo: (() => Promise<unknown> | unknown)[],
): Promise<Omit<ControlPlane, "close">> {
  const metrics = config.metrics && createControlPlaneMetrics(VERSION);
  /** What probes are told of. */
  const begun: { isSynced?: boolean; xdsPort?: number; identity?: TlsIdentity; isClosing?: boolean } = {};
  if (metrics !== undefined && config.metrics !== undefined) {
    // First and last: who waits for the replica is told what it waits for, from its start to its end.
    const server = await serveMetrics({ ...config.metrics, metrics, checks: controlPlaneChecks(() => begun) });
    undo.push(() => server.close());
    logger.info("metrics and probes are served", { kind: "metrics", address: server.address });
  }
  const platform = await createPlatform(config, logger);
  undo.push(() => platform.close());
  const identity = await platform.createIdentity({
    trustDomain: config.trustDomain,
    host: config.xdsHost,
    workload: (key) => store.current.snapshot.workloads.get(key),
    sidecars: () => [...store.current.snapshot.workloads].flatMap(([key, { hasSidecar }]) => (hasSidecar ? [key] : [])),
    proxies: () => trustingProxies(xds.proxies(), translation),
    onAnswer: (answer) => metrics?.answered(answer),
    logger,
  });
  undo.push(() => identity.close());
  begun.identity = identity.source.current;
  if (config.plainHttpRegistries.length > 0)
    logger.warn("registries are reached without TLS, because a flag says so", {
      registries: config.plainHttpRegistries.join(","),
    });

  const startedAtMs = Date.now();
  const journal = createJournal(logger);
  const store = createStore(
    {
      trustDomain: config.trustDomain,
      rootNamespace: config.rootNamespace,
      publicRoots: PUBLIC_ROOTS,
      identityFiles: config.proxyIdentityFiles,
    },
    identity.source.current.roots,
    platform.status.virtualServices,
  );
  const translation = createIncrementalTranslation(store.current.snapshot);
  const provider = createTranslationProvider(translation);
  const propagation = createPropagation(metrics?.pushed);
  /** When the last stream of a proxy ended. */
  const goneAtMs = new Map<string, number>();

  /** What the change that is being published comes from, for people. */
  let cause = "";
  const publishAs = (what: string, publish: () => void) => {
    cause = what;
    publish();
    cause = "";
  };

  const cache = createModuleCache({ dir: join(config.stateDir, "cache", "modules"), maxBytes: MODULE_CACHE_BYTES });
  const healthReader = createHealthReader({ ...identity.source.current, trustDomain: config.trustDomain });
  undo.push(() => healthReader.close());
  const remote = (plugin: string) => replicas.proxies(plugin).filter(({ key }) => !xds.isConnected(key));
  const rollouts = await createRolloutControl({
    remote,
    isLeading: () => platform.leadership.isLeading,
    statuses: platform.status.statuses,
    cache,
    snapshot: () => store.current.snapshot,
    modules: () => modules,
    proxies: () => xds.proxies(),
    translation,
    healthReader,
    onChange: (states, what) => publishAs(what, () => store.setModules(states)),
    // At once: what proxies are given must not be forgotten when the control plane ends now.
    onReport: () => void status.flush(),
    writeStatus: () => status.flush(),
    logger,
  });
  undo.push(() => rollouts.close());
  const modules = await createPluginModules({
    config,
    cache,
    tlsIdentity: () => identity.source.current,
    statuses: platform.status.statuses,
    onRegistryWarning: (plugin, warning) => journal.registryWarning(plugin, warning),
    onChange: (states) => {
      for (const [plugin, state] of states)
        journal.module(plugin, state, (field) => placeOf(meshStatus.objects.get(`WasmPlugin ${plugin}`), field));
      const ready = [...states].flatMap(([plugin, state]) =>
        state?.kind === "ready" ? [`plugin ${plugin} ${state.served.wasmSha256.slice(0, 12)}`] : [],
      );
      publishAs(ready.join(", "), () => store.setModules(rollouts.take(states)));
    },
    logger,
  });
  undo.push(() => modules.close());
  undo.push(
    platform.followPlugins((stored) => {
      if (!platform.leadership.isLeading) followStatus(stored, { rollouts, modules });
    }),
  );
  undo.push(
    platform.leadership.subscribe((isLeading) => {
      if (isLeading) rollouts.lead();
    }),
  );

  const controlPlaneId = controlPlaneSpiffeId(config.trustDomain);
  const replicas = createReplicaControl({
    replica: platform.replica,
    peers: config.peers ?? [],
    tlsIdentity: () => identity.source.current,
    controlPlaneId,
    reported: () => reportedProxies(xds.proxies(), translation, store.current.snapshot.modules),
    onChange: (plugins) => {
      for (const plugin of plugins) takeBackRemote(plugin);
      status.schedule();
    },
    logger,
  });
  undo.push(() => replicas.close());
  const xds = createXdsServer({
    host: config.xdsHost,
    port: config.xdsPort,
    ...(config.plaintextXdsPort === undefined ? {} : { plaintextPort: config.plaintextXdsPort }),
    tls: tlsOf(identity.source.current),
    maxConnectionAgeMs: identity.maxConnectionAgeMs,
    authenticate: ({ der }) => {
      const peer = peerIdentity(der, config.trustDomain);
      if (!peer.ok) return peer;
      const proxyKey = `${peer.namespace}/${peer.workload}`;
      const problem = replacedProblem(peer, store.current.snapshot.workloads.get(proxyKey));
      if (problem !== undefined) return { ok: false, message: problem };
      return { ok: true, proxyKey, expiresAtMs: peer.notAfterMs };
    },
    services: [
      createPeerService({
        cache,
        controlPlaneId,
        onRefused: (peer) => logger.warn("a client that is no control plane asked for a module", { peer }),
      }),
      replicas.service,
    ],
    provider,
    observer: {
      onConnect: (proxyKey) => {
        handovers.proxyChanged();
        report(proxyKey, []);
      },
      onDisconnect: (proxyKey) => {
        // A workload that is no more is told of nowhere.
        if (store.current.snapshot.workloads.has(proxyKey)) goneAtMs.set(proxyKey, Date.now());
        handovers.gone(proxyKey);
        report(proxyKey, propagation.gone(proxyKey, Date.now()));
      },
      onAck: (proxyKey, type, versions) => {
        metrics?.acked(type);
        handovers.proxyChanged();
        report(proxyKey, propagation.acked(proxyKey, type, versions, Date.now()));
      },
      onNack: (proxyKey, type, versions, message) => {
        metrics?.nacked(type);
        takeBack(proxyKey, type, versions, message);
        report(proxyKey, propagation.nacked(proxyKey, type, versions, Date.now()));
      },
    },
    logger,
  });
  undo.push(() => xds.close(undefined, platform.handOverMs));
  identity.source.subscribe((next) => {
    begun.identity = next;
    xds.updateTls(tlsOf(next));
    healthReader.updateTls(next);
    publishAs("trust bundle", () => store.setTrustBundle(next.roots));
  });

  const meshStatus = createMeshStatus({
    snapshot: () => store.current.snapshot,
    storeDiagnostics: () => store.current.diagnostics,
    proxy: (proxyKey) => {
      const sync = xds.proxy(proxyKey);
      const [slots] = sync === undefined ? [] : proxySlots([sync], translation);
      return sync && slots && { slots, refusals: refusals([sync], translation) };
    },
    remote: (plugin) => remoteCounts(remote(plugin)),
    rejected: (plugin) => [...modules.rejected(plugin), ...[rollouts.condemned(plugin) ?? []].flat()],
    rollout: (plugin) => rollouts.report(plugin),
    onDiagnostics: (now) => journal.diagnostics(now),
  });

  function placeOf(event: ApplyEvent | undefined, field: string): string {
    return event?.file === undefined ? "" : `${event.file}:${event.lineOfField?.(field) ?? event.line}: `;
  }

  /** Whether the record of what is in force must be written anew. */
  let isInForceChanged = true;
  let knownVirtualServices = store.current.snapshot.virtualServices;
  const status = createStatusPublisher({
    store: platform.status,
    conditions: new Map(platform.status.statuses.map((s) => [statusKey(s.object), storedConditions(s)])),
    collect: () => meshStatus.collect(),
    inForce: () => {
      const { virtualServices } = store.current.snapshot;
      if (!isInForceChanged && virtualServices === knownVirtualServices) return undefined;
      isInForceChanged = false;
      knownVirtualServices = virtualServices;
      return { objects: meshStatus.objects, virtualServices, diagnostics: meshStatus.diagnostics() };
    },
    logger,
  });
  undo.push(() => status.stop());

  function report(proxyKey: string, done: Parameters<typeof journal.propagated>[0]): void {
    meshStatus.proxyChanged(proxyKey);
    journal.propagated(done);
    metrics?.propagated(done);
    status.schedule();
  }

  const handovers = createHandovers({
    snapshot: () => store.current.snapshot,
    set: (settled) => publishAs("endpoints handed over", () => store.setHandovers(settled)),
    proxy: (proxyKey) => {
      const sync = xds.proxy(proxyKey);
      return sync && handoverProxy(sync, translation, Date.now());
    },
    hasSisters: (config.peers ?? []).length > 0 || platform.leadership !== ALONE,
    onEvent: (message) => logger.warn(message, { kind: "diagnostic" }),
  });
  undo.push(() => handovers.close());

  let workloads = store.current.snapshot.workloads;
  store.subscribe(({ snapshot }) => {
    if (snapshot.workloads !== workloads) {
      identity.workloadsChanged();
      for (const key of goneAtMs.keys()) if (!snapshot.workloads.has(key)) goneAtMs.delete(key);
    }
    workloads = snapshot.workloads;
    const beganMs = Date.now();
    const changed = provider.apply(snapshot);
    handovers.published(snapshot, changed);
    for (const proxyKey of changed.keys()) meshStatus.proxyChanged(proxyKey);
    if (changed.size > 0)
      propagation.begin(cause || "change", expectedVersions(changed, xds.proxies(), translation), beganMs);
    status.schedule();
  });

  /**
   * A refused slot names the plugin that is to blame. Its version is taken back everywhere, unless another proxy runs
   * it: then the one that refused it stays on what it had, and the others are left alone.
   */
  function takeBack(
    proxyKey: string,
    type: ResourceType,
    versions: ReadonlyMap<string, string>,
    message: string,
  ): void {
    if (type !== "extension") return;
    meshStatus.proxyChanged(proxyKey);
    for (const plugin of blamedPlugins(translation.slots(proxyKey), versions, message)) {
      const state = store.current.snapshot.modules.get(plugin);
      if (hasCandidate(state, plugin, proxyKey)) {
        rollouts.refused(plugin, proxyKey, message);
        continue;
      }
      const served = servedPlugin(state);
      if (served === undefined) continue;
      const { acked } = meshStatus.counts(plugin);
      if (acked === 0) modules.reject(plugin, served.version, message);
      else logger.warn(`plugin ${plugin} stays in force: ${acked} other proxies run what ${proxyKey} refused`);
    }
  }

  /** The same for proxies of other replicas; each replica takes back from its own what the leader has not judged yet. */
  function takeBackRemote(plugin: string): void {
    if (!platform.leadership.isLeading) return;
    const state = store.current.snapshot.modules.get(plugin);
    for (const { key, version, acked, refusal } of remote(plugin)) {
      if (acked || refusal === undefined || version !== servedTo(state, plugin, key)?.version) continue;
      if (hasCandidate(state, plugin, key)) rollouts.refused(plugin, key, refusal);
      else if (meshStatus.counts(plugin).acked === 0) modules.reject(plugin, version, refusal);
    }
  }

  function take(batch: SourceBatch): void {
    const changes: StoreChange[] = [];
    for (const event of batch) {
      if (event.kind === "apply") changes.push({ kind: "apply", object: event.object });
      else if (event.kind === "delete") changes.push(event);
    }
    meshStatus.take(batch);
    isInForceChanged ||= changes.length > 0;
    const named = batch.flatMap((e) => (e.kind === "apply" || e.kind === "delete" ? [formatObjectRef(e.ref)] : []));
    publishAs(named.length > 3 ? `${named.length} objects` : named.join(", "), () => store.apply(changes));
    modules.reconcile(store.current.snapshot);
    // Told now, not when they are written.
    meshStatus.diagnostics();
    status.schedule();
  }

  const stop = new AbortController();
  const batches = platform.source.watch(stop.signal)[Symbol.asyncIterator]();
  undo.push(() => stop.abort());
  // Proxies must not see a mesh that is half read, or a plugin that only waits for its module to be remembered.
  for (;;) {
    const next = await batches.next();
    if (next.done) break;
    take(next.value);
    if (next.value.some((event) => event.kind === "ready")) break;
  }
  begun.isSynced = true;
  store.beginHandovers({ joining: platform.awaitsListeners });
  handovers.begin();
  const { port, plaintextPort } = await xds.start();
  begun.xdsPort = port;
  if (plaintextPort !== undefined)
    logger.warn(
      "EVERY PROCESS OF THIS MACHINE GETS THE CONFIGURATION OF EVERY PROXY, without TLS, because a flag says so",
      { port: plaintextPort },
    );
  metrics?.observe({
    streams: xds.proxies,
    objects: () => Array.from(meshStatus.objects.values(), ({ ref }) => ref),
    diagnostics: meshStatus.diagnostics,
    modules: () => store.current.snapshot.modules,
    rollouts: () => listRollouts(rollouts, store.current.snapshot),
    identity: identity.report,
    isLeader: () => platform.leadership.isLeading,
  });
  const { enrolmentPort } = await identity.serve();
  // After the port is ours: two control planes must not share a socket and status files.
  const closeAdmin = await serveAdmin(
    config.adminSocket,
    adminQuestions({
      controlPlane: { pid: process.pid, xds: `${config.xdsHost}:${port}`, startedAtMs },
      proxies: () => xds.proxies(),
      translation,
      workloads: () => store.current.snapshot.workloads,
      goneAtMs,
      diagnostics: meshStatus.diagnostics,
      handovers: handovers.report,
      rollouts: () => listRollouts(rollouts, store.current.snapshot),
      identity: identity.report,
    }),
    { ...rolloutActions(rollouts), ...departureActions(handovers), ...identity.actions },
  );
  undo.push(closeAdmin);
  const webhooks = await platform.serveWebhooks?.(createPluginReview(() => store.current.snapshot));
  undo.push(() => webhooks?.close());
  // Last, so that it is first: what is written then still knows the proxies and the refused versions.
  undo.push(async () => {
    await status.flush();
    await platform.leadership.resign();
  });
  undo.push(() => {
    begun.isClosing = true;
  });
  logger.info("the control plane is ready", {
    kind: "ready",
    xds: `${config.xdsHost}:${port}`,
    ...(enrolmentPort === undefined ? {} : { enrolment: `${config.xdsHost}:${enrolmentPort}` }),
    objects: meshStatus.objects.size,
  });

  const failed = (async (): Promise<never> => {
    for (;;) {
      const next = await batches.next();
      if (next.done) return new Promise<never>(() => {});
      take(next.value);
    }
  })();
  return { xdsPort: port, failed };
}
