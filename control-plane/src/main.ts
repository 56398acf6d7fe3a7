import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createRegistryClient, loadDockerConfig } from "@weft/registry";
import { serveAdmin } from "./admin.js";
import { type ControlPlaneConfig, MAX_MODULE_BYTES, MODULE_CACHE_BYTES, PREFLIGHT_TIMEOUT_MS } from "./config.js";
import { decodePluginManifest } from "./decode/plugin-manifest.js";
import { peerIdentity } from "./identity/peer-identity.js";
import type { Logger } from "./log.js";
import type { Diagnostic } from "./model/diagnostic.js";
import { type ModuleState, servedPlugin } from "./model/module-state.js";
import { formatObjectRef } from "./model/object-ref.js";
import type { ChangedNames, ResourceType } from "./model/resource.js";
import { createModuleCache, type ModuleCache } from "./modules/module-cache.js";
import { createModuleSource } from "./modules/module-source.js";
import { createModules, type RememberedModule } from "./modules/modules.js";
import { preflight } from "./modules/preflight.js";
import { createFileSource } from "./source/files.js";
import type { ApplyEvent, SourceBatch } from "./source/source.js";
import { diagnosticChanges } from "./status/diagnostic-changes.js";
import { createPropagation, type Propagated, propagationKey } from "./status/propagation.js";
import { type ProxySlots, proxyCounts } from "./status/proxy-counts.js";
import { type RememberedPlugin, rememberedPlugins } from "./status/remembered.js";
import { statuses } from "./status/statuses.js";
import { createStatusWriter, readStatuses, statusKey, storedConditions } from "./status/writer.js";
import { createStore, type StoreChange } from "./store/store.js";
import { blamedPlugins } from "./translate/blame.js";
import { createIncrementalTranslation } from "./translate/incremental.js";
import { createXdsServer } from "./xds/server.js";
import { createTranslationProvider } from "./xds/translation-provider.js";

/** A running control plane. */
export interface ControlPlane {
  readonly xdsPort: number;
  /** Rejects when the control plane cannot go on; until then pending. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** How long changes of the status are gathered before they are written. */
const STATUS_DELAY_MS = 50;

/** Reads the folder, gets the plugins, and serves xDS. Resolves when proxies may connect. */
export async function startControlPlane(config: ControlPlaneConfig, logger: Logger): Promise<ControlPlane> {
  const [certificateChain, privateKey, trustBundle] = await Promise.all(
    [config.identity.certificate, config.identity.privateKey, config.identity.trustBundle].map((path) =>
      readFile(path, "utf8"),
    ),
  );
  if (config.plainHttpRegistries.length > 0)
    logger.warn("registries are reached without TLS, because a flag says so", {
      registries: config.plainHttpRegistries.join(","),
    });

  const statusDir = join(config.stateDir, "status");
  const cache = createModuleCache({ dir: join(config.stateDir, "cache", "modules"), maxBytes: MODULE_CACHE_BYTES });
  const stored = await readStatuses(statusDir);
  for (const file of stored.unreadable) logger.warn("a status file cannot be read; it is written anew", { file });
  const conditions = new Map(stored.statuses.map((s) => [statusKey(s.object), storedConditions(s)]));

  const store = createStore(
    { trustDomain: config.trustDomain, rootNamespace: config.rootNamespace, identityFiles: config.proxyIdentityFiles },
    trustBundle ?? "",
  );
  const translation = createIncrementalTranslation(store.current.snapshot);
  const provider = createTranslationProvider(translation);
  const propagation = createPropagation();
  const modules = createModules({
    source: createModuleSource({
      client: createRegistryClient({
        plainHttp: config.plainHttpRegistries,
        credentials: await loadDockerConfig(config.dockerConfig),
        retry: { maxRetries: 1 },
        timeoutMs: 10_000,
      }),
      cache,
      folder: config.folder,
      maxModuleBytes: MAX_MODULE_BYTES,
    }),
    preflight: (key, served) =>
      preflight(key, served, { envoyPath: config.envoyPath, timeoutMs: PREFLIGHT_TIMEOUT_MS }),
    decodeManifest: decodePluginManifest,
    maxModuleBytes: MAX_MODULE_BYTES,
    pollIntervalMs: config.tagPollMs,
    remembered: await withBytes(rememberedPlugins(stored.statuses), cache),
    onChange: (states) => {
      for (const [key, state] of states) logFailure(key, state);
      const ready = [...states].flatMap(([key, state]) =>
        state?.kind === "ready" ? [`plugin ${key} ${state.served.wasmSha256.slice(0, 12)}`] : [],
      );
      publishAs(ready.join(", "), () => store.setModules(states));
    },
  });

  const failures = new Map<string, string>();
  /** Says once why a plugin cannot be had, and once that it can again; the attempts between are in its status. */
  function logFailure(key: string, state: ModuleState | undefined): void {
    if (state?.kind === "pending") return;
    const before = failures.get(key);
    if (state?.kind !== "failed") {
      if (before !== undefined)
        logger.info(`WasmPlugin ${key}: solved (${before.slice(0, 80)})`, { kind: "diagnostic" });
      failures.delete(key);
      return;
    }
    const { message, reason, nextAttempt } = state.failure;
    const text = `${message} (${reason})`;
    if (text === before) return;
    failures.set(key, text);
    const serving = state.lastGood === undefined ? "" : "; the last good version stays in force";
    logger.error(`WasmPlugin ${key}: ${text}${serving}${nextAttempt === undefined ? "" : "; trying again"}`, {
      kind: "diagnostic",
    });
  }

  /** What the change that is being published comes from, for people. */
  let cause = "";
  function publishAs(what: string, publish: () => void): void {
    cause = what;
    publish();
    cause = "";
  }

  const objects = new Map<string, ApplyEvent>();
  let sourceDiagnostics: readonly Diagnostic[] = [];
  let logged: ReadonlyMap<string, Diagnostic> = new Map();

  const currentDiagnostics = (): Diagnostic[] => [...sourceDiagnostics, ...store.current.diagnostics.map(locate)];

  /** Says where an object that another part found fault with stands. */
  function locate(diagnostic: Diagnostic): Diagnostic {
    const event = diagnostic.object && objects.get(statusKey(diagnostic.object));
    if (event?.file === undefined) return diagnostic;
    const line = (diagnostic.field && event.lineOfField?.(diagnostic.field)) ?? event.line;
    return { ...diagnostic, file: event.file, ...(typeof line === "number" ? { line } : {}) };
  }

  function logDiagnostics(): void {
    const { known, appeared, solved } = diagnosticChanges(logged, currentDiagnostics());
    for (const { text, severity } of appeared)
      (severity === "error" ? logger.error : logger.warn)(text, { kind: "diagnostic" });
    for (const text of solved) logger.info(`solved: ${text}`, { kind: "diagnostic" });
    logged = known;
  }

  const report = (done: readonly Propagated[]) => {
    for (const { cause: what, proxies, rejected, tookMs } of done)
      logger.info(what, { kind: "applied", proxies, rejected, tookMs });
    scheduleStatus();
  };

  store.subscribe(({ snapshot }) => {
    const beganMs = Date.now();
    const changed = provider.apply(snapshot);
    if (changed.size > 0) propagation.begin(cause || "change", expectedVersions(changed), beganMs);
    scheduleStatus();
  });

  function expectedVersions(changed: ReadonlyMap<string, ChangedNames>): Map<string, Map<string, string>> {
    const expected = new Map<string, Map<string, string>>();
    for (const [proxyKey, names] of changed) {
      const versions = new Map<string, string>();
      const acked = ackedSlots(proxyKey);
      for (const [type, set] of names)
        for (const name of set) {
          const version = translation.version(proxyKey, type, name);
          // What the proxy has already, for example because only the bytes came back, it will not answer again.
          if (version === undefined || (type === "extension" && acked.get(name) === version)) continue;
          versions.set(propagationKey(type, name), version);
        }
      expected.set(proxyKey, versions);
    }
    return expected;
  }

  function take(batch: SourceBatch): void {
    const changes: StoreChange[] = [];
    for (const event of batch) {
      if (event.kind === "apply") {
        objects.set(statusKey(event.ref), event);
        changes.push({ kind: "apply", object: event.object });
      } else if (event.kind === "delete") {
        objects.delete(statusKey(event.ref));
        changes.push(event);
      } else if (event.kind === "diagnostics") sourceDiagnostics = event.diagnostics;
    }
    const named = batch.flatMap((e) => (e.kind === "apply" || e.kind === "delete" ? [formatObjectRef(e.ref)] : []));
    publishAs(named.length > 3 ? `${named.length} objects` : named.join(", "), () => store.apply(changes));
    modules.reconcile(store.current.snapshot.plugins);
    logDiagnostics();
    scheduleStatus();
  }

  const xds = createXdsServer({
    host: config.xdsHost,
    port: config.xdsPort,
    tls: {
      rootCert: trustBundle ?? "",
      keyCertPairs: [{ privateKey: privateKey ?? "", certificateChain: certificateChain ?? "" }],
    },
    authenticate: ({ der }) => {
      const peer = peerIdentity(der, config.trustDomain);
      return peer.ok
        ? { ok: true, proxyKey: `${peer.namespace}/${peer.workload}`, expiresAtMs: peer.notAfterMs }
        : peer;
    },
    provider,
    observer: {
      onConnect: () => scheduleStatus(),
      onDisconnect: (proxyKey) => report(propagation.gone(proxyKey, Date.now())),
      onAck: (proxyKey, type, versions) => report(propagation.acked(proxyKey, type, versions, Date.now())),
      onNack: (proxyKey, type, versions, message) => {
        takeBack(proxyKey, type, versions, message);
        report(propagation.nacked(proxyKey, type, versions, Date.now()));
      },
    },
    logger,
  });

  /** A refused slot names the plugin that is to blame; its version is taken back everywhere. */
  function takeBack(
    proxyKey: string,
    type: ResourceType,
    versions: ReadonlyMap<string, string>,
    message: string,
  ): void {
    if (type !== "extension") return;
    for (const key of blamedPlugins(translation.slots(proxyKey), versions, message)) {
      const served = servedPlugin(store.current.snapshot.modules.get(key));
      if (served !== undefined) modules.reject(key, served.version, message);
    }
  }

  const writer = createStatusWriter(statusDir);
  let statusTimer: NodeJS.Timeout | undefined;
  function scheduleStatus(): void {
    statusTimer ??= setTimeout(() => {
      statusTimer = undefined;
      void writeStatus();
    }, STATUS_DELAY_MS);
  }
  async function writeStatus(): Promise<void> {
    const proxies = connectedProxies();
    const documents = statuses({
      objects: [...objects.values()],
      diagnostics: currentDiagnostics(),
      plugins: store.current.snapshot.plugins,
      modules: store.current.snapshot.modules,
      rejected: (key) => modules.rejected(key),
      counts: (key) => proxyCounts(key, proxies),
      previous: conditions,
      now: new Date().toISOString(),
    });
    for (const { object, status } of documents)
      if ("conditions" in status) conditions.set(statusKey(object), status.conditions as never);
    try {
      await writer.write(documents);
    } catch (error) {
      logger.error(`cannot write status files: ${error instanceof Error ? error.message : error}`, { dir: statusDir });
    }
  }

  function connectedProxies(): ProxySlots[] {
    const newest = new Map(xds.proxies().map((sync) => [sync.proxyKey, sync]));
    return [...newest.values()].map((sync) => {
      const extension = sync.types.find(({ type }) => type === "extension");
      return {
        slots: translation.slots(sync.proxyKey),
        acked: extension?.ackedVersions ?? new Map(),
        ...(extension?.lastNack === undefined ? {} : { lastNack: extension.lastNack }),
      };
    });
  }

  function ackedSlots(proxyKey: string): ReadonlyMap<string, string> {
    const sync = xds.proxies().findLast((proxy) => proxy.proxyKey === proxyKey);
    return sync?.types.find(({ type }) => type === "extension")?.ackedVersions ?? new Map();
  }

  const stop = new AbortController();
  const batches = createFileSource({ folder: config.folder }).watch(stop.signal)[Symbol.asyncIterator]();
  const closeAdmin = await serveAdmin(config.adminSocket, {
    "/proxies": () =>
      xds.proxies().map((sync) => ({
        ...sync,
        types: sync.types.map((t) => ({ ...t, ackedVersions: Object.fromEntries(t.ackedVersions ?? []) })),
        slots: translation.slots(sync.proxyKey),
      })),
    "/diagnostics": currentDiagnostics,
  });

  // Proxies must not see a mesh that is half read, or a plugin that only waits for its module to be remembered.
  for (;;) {
    const next = await batches.next();
    if (next.done) break;
    take(next.value);
    if (next.value.some((event) => event.kind === "ready")) break;
  }
  const { port } = await xds.start();
  logger.info("the control plane is ready", {
    kind: "ready",
    xds: `${config.xdsHost}:${port}`,
    objects: objects.size,
  });

  const failed = (async (): Promise<never> => {
    for (;;) {
      const next = await batches.next();
      if (next.done) return new Promise<never>(() => {});
      take(next.value);
    }
  })();

  return {
    xdsPort: port,
    failed,
    async close() {
      stop.abort();
      clearTimeout(statusTimer);
      modules.close();
      await xds.close();
      await closeAdmin();
      await writeStatus();
      clearTimeout(statusTimer);
    },
  };
}

/** Adds what the cache still has to what the status remembers. */
async function withBytes(
  remembered: ReadonlyMap<string, RememberedPlugin>,
  cache: ModuleCache,
): Promise<ReadonlyMap<string, RememberedModule>> {
  const complete = new Map<string, RememberedModule>();
  for (const [key, { lastGood, rejected }] of remembered) {
    const module = lastGood && (await cache.get(lastGood.digest));
    const wasm = module?.wasmSha256 === lastGood?.wasmSha256 ? module?.wasm : undefined;
    complete.set(key, {
      rejected,
      ...(lastGood === undefined ? {} : { lastGood: { ...lastGood, ...(wasm === undefined ? {} : { wasm }) } }),
    });
  }
  return complete;
}
