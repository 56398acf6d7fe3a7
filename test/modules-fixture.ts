import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CredentialSource,
  packPlugin,
  parseReference,
  pushPlugin,
  type SigningKey,
  signImage,
} from "@weft/registry";
import { createRegistryServer, type RegistryServer, type RegistryServerOptions } from "@weft/registry/server";
import { afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import { decodePluginManifest } from "../control-plane/src/decode/plugin-manifest.js";
import { DEFAULT_PLUGIN_POLICY, type PluginPolicy } from "../control-plane/src/model/mesh-config.js";
import type { ModuleState } from "../control-plane/src/model/module-state.js";
import type { Plugin } from "../control-plane/src/model/plugin.js";
import type { Secret } from "../control-plane/src/model/secret.js";
import { createModuleCache } from "../control-plane/src/modules/module-cache.js";
import { createModuleSource } from "../control-plane/src/modules/module-source.js";
import type { RememberedModule } from "../control-plane/src/modules/module-worker.js";
import { createModules, type Modules } from "../control-plane/src/modules/modules.js";
import type { ModulesInput } from "../control-plane/src/modules/policy-inputs.js";
import { createPreflight, type Preflight } from "../control-plane/src/modules/preflight.js";
import { buildPlugin } from "./build-plugin.js";
import { mkMeshConfig, mkPlugin } from "./builders.js";
import { envoyPath } from "./envoy-static.js";
import { createTestRegistryClient } from "./registry-client.js";

export const KEY = "default/hello";
export const MANIFEST = "name: hello\nrootId: hello\nsdk: {name: '@weft/sdk'}\n";
export const LIMIT = { timeout: 100_000, interval: 10 };

const POLL_MS = 30;
const ROOT = "weft-system";

/** What holds beside the plugins. */
export interface Policies {
  readonly policy?: Partial<PluginPolicy>;
  readonly secrets?: readonly Secret[];
}

type Plugins = Readonly<Record<string, Plugin>>;
type Failed = Extract<ModuleState, { kind: "failed" }>;

/** The modules of a control plane with a registry of its own for each test. Registers hooks. */
export function useModules() {
  const preflight = createPreflight({ envoyPath: envoyPath(), envoyTimeoutMs: 100_000 });
  const opened: Modules[] = [];
  let hello: Uint8Array = new Uint8Array();
  let dir = "";
  let registry: RegistryServer;

  beforeAll(async () => {
    hello = (await buildPlugin("hello")).wasm;
  });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "weft-modules-"));
    registry = await createRegistryServer({ dir: join(dir, "registry") });
  });
  const closeModules = () => {
    for (const modules of opened.splice(0)) modules.close();
  };
  afterEach(async () => {
    closeModules();
    await registry.close(0);
    await rm(dir, { recursive: true, force: true });
  });

  const clientOf = (credentials?: CredentialSource) => createTestRegistryClient(registry.address, credentials);

  /** The modules of a control plane that begins with what is remembered, and everything that they said. */
  function start(
    plugins: Plugins,
    remembered: Readonly<Record<string, RememberedModule>> = {},
    { envoy = true, ...policies }: Policies & { readonly envoy?: boolean } = {},
  ) {
    const states = new Map<string, ModuleState | undefined>();
    const history: (ModuleState | undefined)[] = [];
    const proven: string[] = [];
    const resolved: string[] = [];
    const source = createModuleSource({
      createClient: clientOf,
      cache: createModuleCache({ dir: join(dir, "cache"), maxBytes: 1e8 }),
      onCacheProblem: (error) => expect.fail(String(error)),
      folder: join(dir, "folder"),
    });
    const prove: Preflight = envoy ? preflight : createPreflight({ envoyTimeoutMs: 1 });
    const modules = createModules({
      source: {
        ...source,
        resolve(wanted, access, signal) {
          resolved.push(wanted.name);
          return source.resolve(wanted, access, signal);
        },
      },
      preflight(key, served, attempt, signal) {
        proven.push(served.version);
        return prove(key, served, attempt, signal);
      },
      decodeManifest: decodePluginManifest,
      rootNamespace: ROOT,
      pollIntervalMs: POLL_MS,
      remembered: new Map(Object.entries(remembered)),
      onChange(changes) {
        for (const [key, state] of changes) {
          states.set(key, state);
          if (key === KEY) history.push(state);
        }
      },
    });
    opened.push(modules);
    const reconcile = (wanted: Plugins, now: Policies = policies) => modules.reconcile(inputOf(wanted, now));
    reconcile(plugins);

    const failed = (reason: string, key = KEY): Promise<Failed> =>
      vi.waitFor(() => {
        const state = states.get(key);
        expect(state).toMatchObject({ kind: "failed", failure: { reason } });
        return state as Failed;
      }, LIMIT);
    const ready = (digest?: string, key = KEY) =>
      vi.waitFor(() => {
        const state = states.get(key);
        expect(state).toMatchObject({ kind: "ready", ...(digest === undefined ? {} : { served: { digest } }) });
        return (state as Extract<ModuleState, { kind: "ready" }>).served;
      }, LIMIT);
    /** Returns when the tag has been looked at so many times more. */
    const looks = (count: number) => {
      const wanted = resolved.length + count;
      return vi.waitFor(() => expect(resolved.length).toBeGreaterThanOrEqual(wanted), LIMIT);
    };
    return { modules, states, history, proven, reconcile, failed, ready, looks };
  }

  return {
    start,
    clientOf,
    closeModules,
    get hello() {
      return hello;
    },
    get dir() {
      return dir;
    },
    get registry() {
      return registry;
    },
    /** The registry at the same address, with what it had. */
    async registryBack(options: Omit<RegistryServerOptions, "dir" | "port"> = {}) {
      registry = await createRegistryServer({ ...options, dir: join(dir, "registry"), port: registry.port });
    },
    /** Puts a module under a tag; returns the digest of its image. */
    async push(
      wasm: Uint8Array,
      { tag = "1", manifest = MANIFEST, as }: { tag?: string; manifest?: string; as?: CredentialSource } = {},
    ) {
      const reference = parseReference(`${registry.address}/plugins/hello:${tag}`);
      return (await pushPlugin(clientOf(as), reference, await packPlugin({ wasm, pluginYaml: manifest }))).digest;
    },
    /** Signs what is under a tag. */
    sign: (key: SigningKey, tag = "1") =>
      signImage(clientOf(), parseReference(`${registry.address}/plugins/hello:${tag}`), key),
    plugin: (over: Partial<Plugin> = {}): Plugin =>
      mkPlugin("hello", { url: `oci://${registry.address}/plugins/hello:1`, ...over }),
  };
}

function inputOf(plugins: Plugins, { policy, secrets = [] }: Policies): ModulesInput {
  const mesh = mkMeshConfig({ plugins: { ...DEFAULT_PLUGIN_POLICY, ...policy } });
  return {
    plugins: new Map(Object.entries(plugins)),
    meshConfigs: new Map(policy === undefined ? [] : [[`${ROOT}/default`, mesh]]),
    secrets: new Map(secrets.map((secret) => [`${secret.namespace}/${secret.name}`, secret])),
  };
}
