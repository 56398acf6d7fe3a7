/*
 * Real Envoys that get what the control plane's translation says, over its own xDS server: without sources, registries
 * and files. Tests say what the objects are and what is known of the modules.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { DRAIN_ARGUMENTS } from "../control-plane/src/injection/drain-arguments.js";
import type { MeshObject } from "../control-plane/src/model/mesh-object.js";
import type { ModuleState } from "../control-plane/src/model/module-state.js";
import { type ProxyStatus, proxyStatuses } from "../control-plane/src/proxy-status.js";
import { createStore, type Store } from "../control-plane/src/store/store.js";
import { createIncrementalTranslation, type ProxyScope } from "../control-plane/src/translate/incremental.js";
import { createXdsServer, type XdsServer } from "../control-plane/src/xds/server.js";
import { createTranslationProvider } from "../control-plane/src/xds/translation-provider.js";
import { settings } from "./builders.js";
import { envoyPath, send } from "./envoy-static.js";
import { type AdsBootstrapOptions, adsBootstrap } from "./xds-bootstrap.js";
import { createXdsClient, type XdsClient, type XdsClientOptions } from "./xds-client.js";
import { authenticateTest, createRecordingLogger, createTestAuthority, type TestAuthority } from "./xds-fixture.js";

/** Long enough for a busy machine. */
export const POLL = { timeout: 100_000, interval: 25 };

export interface MeshProxy {
  admin(path: string): Promise<string>;
  log(): string;
}

export interface TranslatedMesh {
  readonly authority: TestAuthority;
  readonly store: Store;
  /** What proxies said, as `ack default/a cluster x,y` and `nack default/a extension z: why`. */
  readonly events: readonly string[];
  /** Applies objects in one go. */
  apply(...objects: readonly MeshObject[]): void;
  remove(kind: MeshObject["kind"], name: string): void;
  setModules(states: Readonly<Record<string, ModuleState | undefined>>): void;
  /** Starts the sidecar of a workload, in namespace default, of a service account of the same name. */
  startProxy(name: string, apiType?: AdsBootstrapOptions["apiType"]): Promise<MeshProxy>;
  /** A client with the certificate of a workload of namespace default, which says what it is told to say. */
  connect(name: string, options?: Partial<XdsClientOptions>): Promise<XdsClient>;
  /** Waits until no proxy owes an answer and nothing is left to send. */
  settled(): Promise<void>;
  /** What the control plane knows of the scope of a connected proxy. */
  scope(name: string): ProxyScope | undefined;
  /** What operators are told of the connected proxies. */
  statuses(): readonly ProxyStatus[];
  /** The control plane goes, and another one that remembers nothing comes in its place. */
  replaceControlPlane(whileAway?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

export async function createTranslatedMesh(): Promise<TranslatedMesh> {
  const authority = await createTestAuthority();
  const dir = await mkdtemp(join(tmpdir(), "weft-mesh-"));
  const identityFiles = { certificateChain: "cert.pem", privateKey: "key.pem", watchedDirectory: "." };
  const store = createStore(
    { ...settings, trustDomain: "test", publicRoots: authority.rootCert, identityFiles },
    authority.rootCert,
  );
  const events: string[] = [];
  const pair = await authority.issue({ dns: "localhost" });
  let translation = createIncrementalTranslation(store.current.snapshot);
  let provider = createTranslationProvider(translation);
  store.subscribe(({ snapshot }) => provider.apply(snapshot));
  const createServer = (port: number) =>
    createXdsServer({
      port,
      tls: { rootCert: authority.rootCert, keyCertPairs: [pair] },
      authenticate: authenticateTest,
      provider,
      observer: {
        onConnect: () => {},
        onDisconnect: () => {},
        onAck: (key, type, versions) => events.push(`ack ${key} ${type} ${[...versions.keys()].join()}`),
        onNack: (key, type, versions, why) => events.push(`nack ${key} ${type} ${[...versions.keys()].join()}: ${why}`),
      },
      logger: createRecordingLogger(),
    });
  let server: XdsServer = createServer(0);
  const xdsPort = (await server.start()).port;
  const children: ChildProcess[] = [];

  const identityOf = (name: string) =>
    authority.issue({ uris: [`spiffe://test/ns/default/sa/${name}`, `weft://test/default/${name}`] });

  return {
    authority,
    store,
    events,
    apply: (...objects) => store.apply(objects.map((object) => ({ kind: "apply", object }))),
    remove: (kind, name) => store.apply([{ kind: "delete", ref: { kind, namespace: "default", name } }]),
    setModules: (states) => store.setModules(new Map(Object.entries(states))),
    connect: async (name, options) =>
      createXdsClient({
        port: xdsPort,
        tls: { rootCert: authority.rootCert, ...(await identityOf(name)) },
        ...options,
      }),
    async startProxy(name, apiType) {
      const pair = await identityOf(name);
      const cwd = await mkdtemp(join(dir, "proxy-"));
      const adminFile = join(cwd, "admin");
      await writeFile(join(cwd, "cert.pem"), pair.certificateChain);
      await writeFile(join(cwd, "key.pem"), pair.privateKey, { mode: 0o600 });
      const bootstrap = adsBootstrap({ xdsPort, rootCert: authority.rootCert, pair, ...(apiType && { apiType }) });
      await writeFile(join(cwd, "bootstrap.json"), JSON.stringify(bootstrap), { mode: 0o600 });
      const args = [
        "-c",
        "bootstrap.json",
        "--disable-hot-restart",
        "--concurrency",
        "1",
        "--file-flush-interval-msec",
        "100",
        ...DRAIN_ARGUMENTS,
      ];
      const child = spawn(envoyPath(), [...args, "--admin-address-path", adminFile], {
        cwd,
        stdio: ["ignore", "pipe", "pipe"],
      });
      children.push(child);
      let log = "";
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk: Buffer) => {
          log = (log + chunk.toString()).slice(-200_000);
        });
      let adminPort = 0;
      const admin = async (path: string) => (await send({ port: adminPort, path })).body;
      await vi.waitFor(async () => {
        if (child.exitCode !== null) throw new Error(`Envoy ended:\n${log}`);
        adminPort = Number((await readFile(adminFile, "utf8")).split(":").at(-1));
        if ((await admin("/ready")).trim() !== "LIVE") throw new Error(`Envoy is not ready:\n${log}`);
      }, POLL);
      return { admin, log: () => log };
    },
    scope: (name) => translation.scope(`default/${name}`),
    statuses: () => proxyStatuses(server.proxies(), translation),
    async replaceControlPlane(whileAway) {
      await server.close(0);
      await whileAway?.();
      translation = createIncrementalTranslation(store.current.snapshot);
      provider = createTranslationProvider(translation);
      server = createServer(xdsPort);
      await server.start();
      await vi.waitFor(() => {
        if (server.proxies().length < children.length) throw new Error("not all proxies are back");
      }, POLL);
    },
    settled: () =>
      vi.waitFor(() => {
        const waiting = server.proxies().flatMap(({ types }) => types.filter((t) => t.inFlight || t.pending > 0));
        if (waiting.length > 0) throw new Error(`waiting for ${waiting.map(({ type }) => type).join()}`);
      }, POLL),
    async stop() {
      for (const child of children) {
        if (child.exitCode !== null) continue;
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGKILL");
        await ended;
      }
      await server.close(0);
      await rm(dir, { recursive: true, force: true });
    },
  };
}
