import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { addressBlock, freePort } from "./ports.js";
import { kill, processesOf } from "./processes.js";
import type { Request } from "./requests.js";
import { waitFor } from "./wait-for.js";
import { ROOT, type RunningWeft, startWeft } from "./weft.js";

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export interface Status {
  readonly conditions: readonly Condition[];
  readonly diagnostics?: readonly string[];
}

/** Address of a sidecar, and the port of the app behind it. */
export interface Place {
  readonly address: string;
  readonly appPort: number;
}

/**
 * A small mesh in a folder of its own: the service `echo` with the workloads echo-v1 and echo-v2, whose app answers with
 * its version. All requests go to v2. The ports and the addresses are its own.
 */
export interface MeshFolder {
  /** Holds all of it; no other process names it. */
  readonly root: string;
  /** With the YAML of the mesh. */
  readonly folder: string;
  /** A copy of the plugin `hello`, to be given to `weft up --plugins`. */
  readonly pluginsDir: string;
  readonly registryPort: number;
  readonly v1: Place;
  readonly v2: Place;
  /** Where one more workload may be. */
  readonly v3: Place;
  /** Asks for `echo` at the sidecar of a workload, as its app would. */
  requestFrom(place: Place): Request;
  /** Replaces one text in a file, which must be there. Returns how to put the file back. */
  edit(file: string, from: string, to: string): Promise<() => Promise<void>>;
  /** Adds a workload of `echo`, or with another label, in a file of its own: `echo-<version>.yaml`. */
  addWorkload(version: string, place: Place, app?: string): Promise<void>;
  /** What the status file of an object says; undefined when there is none. */
  status(kind: string, name: string): Promise<Status | undefined>;
  /** Starts `weft up` on the folder. */
  up(...args: string[]): RunningWeft;
  /** Starts another `weft` command that ends with the folder. */
  start(...args: string[]): RunningWeft;
  /** Ends every process of the folder and removes it. */
  remove(): Promise<void>;
}

const END_LIMIT_MS = 15_000;

const APP = `import { createServer } from "node:http";
createServer((_request, response) => response.end(process.argv[2])).listen(Number(process.env.PORT), "127.0.0.1");
`;

const TRAFFIC = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: echo }
spec:
  host: echo
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo }
spec:
  hosts: [echo]
  http:
    - route:
        - destination: { host: echo, subset: v2 }
          weight: 100
`;

function workloadYaml(version: string, { address, appPort }: Place, app = "echo"): string {
  return `apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata:
  name: echo-${version}
  annotations: { weft.mesh/run: node app.mjs ${version} }
spec:
  address: ${address}
  labels: { app: ${app}, version: ${version} }
  ports: { http: ${appPort} }
`;
}

const SERVICE = `apiVersion: v1
kind: Service
metadata: { name: echo }
spec:
  selector: { app: echo }
  ports: [{ name: http, port: 8080 }]
`;

function pluginYaml(registryPort: number): string {
  return `apiVersion: weft.mesh/v1alpha1
kind: WasmPlugin
metadata: { name: hello }
spec:
  url: oci://127.0.0.1:${registryPort}/plugins/hello:0.1.0
  imagePullPolicy: Always
  selector: { matchLabels: { app: echo } }
  pluginConfig: { name: tester }
`;
}

export async function createMeshFolder(): Promise<MeshFolder> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "weft-e2e-")));
  const folder = join(root, "mesh");
  const pluginsDir = join(root, "plugins");
  const registryPort = await freePort();
  const block = addressBlock();
  const place = async (last: number): Promise<Place> => ({ address: `${block}.${last}`, appPort: await freePort() });
  const [v1, v2, v3] = [await place(1), await place(2), await place(3)];

  await mkdir(folder);
  await cp(join(ROOT, "plugins", "hello"), join(pluginsDir, "hello"), {
    recursive: true,
    filter: (path) => !path.endsWith("/build"),
  });
  const files = {
    "app.mjs": APP,
    "service.yaml": SERVICE,
    "echo-v1.yaml": workloadYaml("v1", v1),
    "echo-v2.yaml": workloadYaml("v2", v2),
    "traffic.yaml": TRAFFIC,
    "hello.yaml": pluginYaml(registryPort),
  };
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);

  const started: RunningWeft[] = [];
  const start = (...args: string[]) => {
    const weft = startWeft(...args);
    started.push(weft);
    return weft;
  };
  return {
    root,
    folder,
    pluginsDir,
    registryPort,
    v1,
    v2,
    v3,
    requestFrom: ({ address }) => ({
      host: address,
      port: 15001,
      headers: { host: "echo.default.svc.cluster.local:8080" },
    }),
    edit: async (path, from, to) => {
      const before = await readFile(join(root, path), "utf8");
      if (!before.includes(from)) throw new Error(`${path} has no "${from}"`);
      await writeFile(join(root, path), before.replace(from, to));
      return () => writeFile(join(root, path), before);
    },
    addWorkload: (version, place, app) =>
      writeFile(join(folder, `echo-${version}.yaml`), workloadYaml(version, place, app)),
    status: async (kind, name) => {
      const path = join(folder, ".weft", "status", kind, `default.${name}.yaml`);
      const text = await readFile(path, "utf8").catch(() => undefined);
      return text === undefined ? undefined : (parse(text) as { readonly status: Status }).status;
    },
    up: (...args) => start("up", folder, "--registry-port", String(registryPort), ...args),
    start,
    remove: async () => {
      for (const weft of started) weft.signal("SIGINT");
      // It ends in a second or two. What does not is ended here, so that a failed test leaves nothing.
      const end = Date.now() + END_LIMIT_MS;
      await waitFor("the mesh to end", async () =>
        (await processesOf(root)).length === 0 || Date.now() > end ? true : undefined,
      );
      for (const { pid } of await processesOf(root)) kill(pid);
      await waitFor("what was killed to be gone", async () =>
        (await processesOf(root)).length === 0 ? true : undefined,
      );
      await rm(root, { recursive: true, force: true });
    },
  };
}
