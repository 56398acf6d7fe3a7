import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  createRegistryClient,
  packPlugin,
  parseReference,
  pushPlugin,
  type SigningKey,
  signImage,
} from "@weft/registry";
import { createRegistryServer } from "@weft/registry/server";
import { send } from "../cli/src/demo/traffic.js";
import { type Mesh, type MeshEvent, startMesh } from "../cli/src/mesh/standalone-mesh.js";
import { findTools } from "../cli/src/mesh/tools.js";
import { buildModule, withVersion } from "./plugin-faults-module.js";
import { type FaultyRegistry, startFaultyRegistry } from "./support/faulty-registry.js";
import { type KeepAliveLoad, startKeepAliveLoad } from "./support/keep-alive-load.js";
import { type Condition, createMeshFolder, type Place } from "./support/mesh-folder.js";
import { processesOf } from "./support/processes.js";
import { waitFor } from "./support/wait-for.js";

export const TAG_POLL_MS = 200;
const SERVICE_PORT = 8080;
const ADMIN_PORT = 15000;
/** One for each worker of Envoy, and more, so that no worker is missed. */
const CONNECTIONS = 4;
const USER = { username: "mesh", password: "s3cret" };

/** Answers with the header as it came. */
const APP = `import { createServer } from "node:http";
createServer((request, response) => response.setHeader("x-trail", request.headers["x-trail"] ?? "").end())
  .listen(Number(process.env.PORT), "127.0.0.1");
`;

export interface PluginSpec {
  readonly name: string;
  readonly url: string;
  /** What it adds after its version; default: its name. */
  readonly config?: string;
  /** Lines of the spec, such as `phase: AUTHN`. */
  readonly spec?: readonly string[];
}

/** What runs in an Envoy. */
export interface EnvoyState {
  /** How often it took a plugin's slot anew. */
  readonly reloads: number;
  readonly vms: number;
  readonly rssBytes: number;
}

/**
 * A mesh of two workloads whose plugins come from a registry that can be told to fail. Its requests are watched from the
 * first version of `guard` on: a FAIL_CLOSE plugin at all of them.
 */
export interface FaultMesh {
  readonly mesh: Mesh;
  readonly registry: FaultyRegistry;
  /** By workload. */
  readonly loads: ReadonlyMap<string, KeepAliveLoad>;
  /** Puts the module of this version under a tag, `plugins/<name>:<tag>`. Returns the image's digest. */
  push(version: string, image?: string): Promise<string>;
  /** Puts bytes that are no module there. */
  pushGarbage(image?: string): Promise<string>;
  sign(key: SigningKey, image?: string): Promise<void>;
  urlOf(image: string): string;
  /** Writes a file with plugins; without any it is removed. */
  write(file: string, plugins: readonly PluginSpec[]): Promise<void>;
  condition(plugin: string, type: string): Promise<Condition | undefined>;
  /** What the control plane complained of since the last call. */
  complaints(): readonly string[];
  /** The header as a workload's app gets it. */
  trail(workload: string): Promise<string>;
  envoy(workload: string): Promise<EnvoyState>;
  /**
   * Adds a workload, whose proxy is new; returns the header as its app got it first. Rejects when a request came to the
   * app without having met `guard`.
   */
  join(): Promise<string>;
  /** The header as the app of the workload that joined gets it. */
  joinedTrail(): Promise<string>;
  /** Ends the workload that joined. */
  leave(): Promise<void>;
  controlPlaneRssBytes(): Promise<number>;
  /** Sends requests to all workloads until it ends. */
  startLoads(): void;
  close(): Promise<void>;
}

export const GUARD_IMAGE = "plugins/guard:1";

export async function startFaultMesh(): Promise<FaultMesh> {
  const folder = await createMeshFolder();
  const undo: (() => Promise<unknown>)[] = [() => folder.remove()];
  const close = async () => {
    while (undo.length > 0) await undo.pop()?.();
  };
  try {
    return await start();
  } catch (error) {
    await close();
    throw error;
  }

  async function start(): Promise<FaultMesh> {
    const places: ReadonlyMap<string, Place> = new Map([
      ["echo-v1", folder.v1],
      ["echo-v2", folder.v2],
    ]);
    const placeOf = (workload: string): Place => {
      const place = places.get(workload);
      if (place === undefined) throw new Error(`no workload ${workload}`);
      return place;
    };
    await rm(join(folder.folder, "hello.yaml"));
    await writeFile(join(folder.folder, "app.mjs"), APP);
    const registryAddress = `127.0.0.1:${folder.registryPort}`;
    const auths = { [registryAddress]: { ...USER, auth: btoa(`${USER.username}:${USER.password}`) } };
    const secret = [
      "apiVersion: v1",
      "kind: Secret",
      "metadata: { name: registry }",
      "type: kubernetes.io/dockerconfigjson",
      "stringData:",
      `  .dockerconfigjson: '${JSON.stringify({ auths })}'`,
    ];
    await writeFile(join(folder.folder, "secret.yaml"), `${secret.join("\n")}\n`);
    const module = await buildModule(join(folder.root, "source"));

    const complaints: string[] = [];
    const onEvent = (event: MeshEvent) => {
      if (event.kind === "problem") complaints.push(`${event.subject}: ${event.message}`);
      if (event.kind === "control-plane" && event.event.level === "error") complaints.push(event.event.message);
    };
    const mesh = await startMesh({
      ...findTools(),
      folder: folder.folder,
      trustDomain: "cluster.local",
      registryPort: folder.registryPort,
      tagPollMs: TAG_POLL_MS,
      onEvent,
    });
    undo.push(mesh.stop);
    // Its place is taken by one that wants to know who asks, behind a proxy that fails.
    await mesh.stopRegistry();
    const users = {
      scheme: "token",
      verify: async (user: string, password: string) => user === USER.username && password === USER.password,
    } as const;
    const upstream = await createRegistryServer({ dir: join(folder.root, "registry"), authentication: users });
    undo.push(() => upstream.close(0));
    const registry = await startFaultyRegistry(folder.registryPort, upstream.address);
    undo.push(() => registry.down());

    const client = createRegistryClient({
      plainHttp: [upstream.address],
      credentials: async () => ({ kind: "basic", ...USER }),
    });
    const referenceOf = (image: string) => parseReference(`${upstream.address}/${image}`);
    const pushModule = async (wasm: Uint8Array, image: string) => {
      const artifact = await packPlugin({ wasm, pluginYaml: module.pluginYaml });
      return (await pushPlugin(client, referenceOf(image), artifact)).digest;
    };

    const loads = new Map<string, KeepAliveLoad>();
    undo.push(() => Promise.all([...loads.values()].map((load) => load.stop())));
    const readTrail = (status: number, headers: NodeJS.Dict<string | string[]>) =>
      status === 200 && /^v\d{4}\.guard(?:, |$)/.test(`${headers["x-trail"]}`) ? `${headers["x-trail"]}` : undefined;

    const trailOf = async ({ address }: Place): Promise<string> => {
      const { status, headers } = await send({ host: address, port: SERVICE_PORT, path: "/" });
      return status === 200 ? `${headers["x-trail"]}` : `${status}`;
    };

    return {
      mesh,
      registry,
      loads,
      close,
      push: (version, image = GUARD_IMAGE) => pushModule(withVersion(module.wasm, version), image),
      pushGarbage: (image = GUARD_IMAGE) => pushModule(new Uint8Array([...module.wasm.subarray(0, 8), 1, 2, 3]), image),
      sign: async (key, image = GUARD_IMAGE) => {
        await signImage(client, referenceOf(image), key);
      },
      urlOf: (image) => `oci://${registryAddress}/${image}`,
      write: async (file, plugins) => {
        const path = join(folder.folder, file);
        if (plugins.length === 0) await rm(path);
        else await writeFile(path, plugins.map(pluginYaml).join("---\n"));
      },
      condition: async (plugin, type) =>
        (await folder.status("WasmPlugin", plugin))?.conditions.find((condition) => condition.type === type),
      complaints: () => complaints.splice(0),
      trail: (workload) => trailOf(placeOf(workload)),
      async envoy(workload) {
        const { address } = placeOf(workload);
        const path = `/stats?filter=${encodeURIComponent("^extension_config_discovery.*config_reload$|^wasm\\..*active$")}`;
        const { body } = await send({ host: address, port: ADMIN_PORT, path });
        const sum = (name: RegExp) => [...body.matchAll(name)].reduce((total, [, count]) => total + Number(count), 0);
        const isEnvoy = (command: string) => /envoy .*-c bootstrap\.json/.test(command) && !command.includes("sh -c");
        const rssBytes = await residentBytes(join(mesh.state.workloads, `default.${workload}`), isEnvoy);
        return { reloads: sum(/config_reload: (\d+)/g), vms: sum(/active: (\d+)/g), rssBytes };
      },
      async join() {
        await folder.addWorkload("v3", folder.v3);
        return waitFor("the workload that joins", async () => {
          const trail = await trailOf(folder.v3).catch(() => "away");
          // Until its app listens, its sidecar says so.
          if (trail === "away" || trail === "503") return undefined;
          if (!/^v\d{4}\.guard(?:, |$)/.test(trail)) throw new Error(`a request met ${trail || "no guard"}`);
          return trail;
        });
      },
      joinedTrail: () => trailOf(folder.v3),
      async leave() {
        await rm(join(folder.folder, "echo-v3.yaml"));
        await waitFor("the workload to be gone", async () =>
          (await trailOf(folder.v3).catch(() => undefined)) === undefined ? true : undefined,
        );
      },
      controlPlaneRssBytes: () =>
        residentBytes(folder.root, (command) => /^\S*node \S+ control-plane --folder/.test(command)),
      startLoads: () => {
        for (const [name, { address }] of places)
          loads.set(
            name,
            startKeepAliveLoad({ host: address, port: SERVICE_PORT, connections: CONNECTIONS, read: readTrail }),
          );
      },
    };
  }
}

function pluginYaml({ name, url, config = name, spec = [] }: PluginSpec): string {
  const lines = [
    "apiVersion: weft.mesh/v1alpha1",
    "kind: WasmPlugin",
    `metadata: { name: ${name} }`,
    "spec:",
    `  url: ${url}`,
    "  imagePullSecret: registry",
    `  pluginConfig: { name: ${config} }`,
    ...spec.map((line) => `  ${line}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** Of the one process of a folder that this is the command of. */
async function residentBytes(folder: string, isIt: (command: string) => boolean): Promise<number> {
  const [found] = (await processesOf(folder)).filter(({ command }) => isIt(command));
  if (found === undefined) throw new Error(`no such process in ${folder}`);
  const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${found.pid}/status`, "utf8")) ?? [];
  return Number(kib) * 1024;
}

/** Waits until every connection to every workload gets this answer. */
export async function whenAllSee({ loads }: FaultMesh, what: string, isIt: (sign: string) => boolean): Promise<void> {
  const last = () => [...loads.values()].flatMap((load) => load.signs.map((list) => list.at(-1) ?? ""));
  await waitFor(`${what} at all connections`, () => (last().every(isIt) ? true : undefined), {
    seen: () => last().join("\n"),
  });
}
