import type { ChildProcess } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { envoyPath } from "../../test/envoy-static.js";
import { createPodNetwork, type NetworkPod, type PodNetwork } from "../../test/network-namespaces.js";
import { type PodApp, startPodApp } from "./pod-app.js";
import { waitFor } from "./wait-for.js";
import { ROOT } from "./weft.js";

const WEFT = [process.execPath, join(ROOT, "cli/bin/weft.mjs")];
/** Of the sidecars. */
export const SIDECAR_UID = 1337;
const XDS_PORT = 15012;

export interface SidecarPod extends PodApp {
  /** A path of the admin API of its Envoy. */
  admin(path: string): Promise<string>;
  /** All that the sidecar has printed. */
  sidecarOutput(): string;
}

export interface AddPodOptions {
  /** Flags of `weft intercept`. */
  readonly intercept?: readonly string[];
  readonly serviceAccount?: string;
  /** Whether its WorkloadEntry has its address of IPv6. */
  readonly ipv6?: boolean;
  /** What its app and its sidecar see: path → the file that is there. */
  readonly mounts?: Readonly<Record<string, string>>;
}

/** A mesh in network namespaces: the control plane in the one of the bridge, and pods with rules, sidecar and app. */
export interface PodMesh {
  readonly network: PodNetwork;
  /** The control plane signs requests in the folders below it. */
  readonly workloadsDir: string;
  /** Writes a file of the mesh's YAML. */
  write(file: string, yaml: string): Promise<void>;
  remove(file: string): Promise<void>;
  /** A pod of the mesh. Its WorkloadEntry, in namespace `default`, must be there. */
  addPod(name: string, last: number, options?: AddPodOptions): Promise<SidecarPod>;
  /** A pod that knows nothing of the mesh. Its app may run as another user. */
  addOutsider(name: string, last: number, uid?: number): PodApp;
  /** A file for the tests, readable in the pods. */
  writeFile(name: string, text: string): Promise<string>;
  controlPlaneOutput(): string;
  close(): Promise<void>;
}

interface Tools {
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: Readonly<Record<string, string>>;
}

/** Envoy and func-e at a place where everybody finds them: they may be in a folder of root's. */
async function placeTools(root: string): Promise<Tools> {
  const funcE = process.env.FUNC_E_PATH ?? join(homedir(), ".cache/weft/func-e-1.6.0/func-e");
  const tools = { ENVOY_PATH: envoyPath(), FUNC_E_PATH: funcE };
  const env: Record<string, string> = {};
  const mounts: Record<string, string> = {};
  for (const [variable, path] of Object.entries(tools)) {
    const place = join(root, basename(path));
    await writeFile(place, "", { mode: 0o755 });
    env[variable] = place;
    mounts[place] = path;
  }
  return { env, mounts };
}

interface Running {
  readonly child: ChildProcess;
  output(): string;
  printed(pattern: RegExp): Promise<void>;
}

function watched(what: string, child: ChildProcess): Running {
  let output = "";
  let ended: number | undefined;
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-200_000);
    });
  child.on("close", (code) => {
    ended = code ?? -1;
  });
  return {
    child,
    output: () => output,
    printed: async (pattern) => {
      await waitFor(
        `${what} to print ${pattern}`,
        () => {
          if (pattern.test(output)) return true;
          if (ended !== undefined) throw new Error(`${what} ended with ${ended}:\n${output}`);
          return undefined;
        },
        { limitMs: 180_000, seen: () => output },
      );
    },
  };
}

export async function createPodMesh(purpose: string, files: Readonly<Record<string, string>>): Promise<PodMesh> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "weft-pods-")));
  const folder = join(root, "mesh");
  const state = join(folder, ".weft");
  const workloads = join(root, "workloads");
  await chmod(root, 0o755);
  for (const path of [folder, state, workloads]) await mkdir(path, { mode: 0o755 });
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
  const tools = await placeTools(root);

  const network = createPodNetwork(purpose);
  const close = async () => {
    await network.remove();
    await rm(root, { recursive: true, force: true });
  };
  try {
    const controlPlane = watched(
      "the control plane",
      network.gateway.start([
        ...[...WEFT, "control-plane", "--folder", folder, "--state-dir", state],
        ...["--authority-dir", join(root, "authority"), "--workloads-dir", workloads],
        ...["--admin-socket", join(root, "admin.sock"), "--envoy", envoyPath()],
        ...["--host", network.gateway.address, "--xds-port", String(XDS_PORT), "--log-format", "json"],
      ]),
    );
    await controlPlane.printed(/"kind":"ready"/);
    return {
      network,
      workloadsDir: workloads,
      write: (file, text) => writeFile(join(folder, file), text),
      remove: (file) => rm(join(folder, file)),
      addOutsider: (name, last, uid) => startPodApp(network.addPod(name, last), uid === undefined ? {} : { uid }),
      writeFile: async (name, text) => {
        const path = join(root, name);
        await writeFile(path, text, { mode: 0o644 });
        return path;
      },
      addPod: async (name, last, options = {}) => {
        const pod = network.addPod(name, last);
        const rules = await pod.run([...WEFT, "intercept", ...(options.intercept ?? [])]);
        if (rules.code !== 0) throw new Error(`weft intercept in ${name}: ${rules.stderr}`);
        const dir = join(workloads, `default.${name}`);
        const sidecar = await startSidecar(pod, dir, network, { ...options, tools }).catch((error: Error) => {
          throw new Error(`${error.message}\nthe control plane said:\n${controlPlane.output()}`);
        });
        return {
          ...startPodApp(pod, { mounts: options.mounts ?? {} }),
          sidecarOutput: sidecar.output,
          admin: (path) => askAdmin(pod, path),
        };
      },
      controlPlaneOutput: controlPlane.output,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** As its user, who can read what root can: the clone may be in a folder of root's. */
async function startSidecar(
  pod: NetworkPod,
  dir: string,
  network: PodNetwork,
  { serviceAccount = "default", ipv6 = false, mounts = {}, tools }: AddPodOptions & { readonly tools: Tools },
): Promise<Running> {
  await mkdir(dir, { mode: 0o700 });
  await chown(dir, SIDECAR_UID, SIDECAR_UID);
  const command = [
    ...[
      ...WEFT,
      "sidecar",
      "--dir",
      dir,
      "--workload",
      `default/${pod.name}`,
      "--address",
      ipv6 ? pod.ipv6 : pod.address,
    ],
    ...["--xds", `${network.gateway.address}:${XDS_PORT}`, "--service-account", serviceAccount],
    ...["--interception", "redirect"],
  ];
  const child = pod.start(command, {
    uid: SIDECAR_UID,
    capabilities: ["dac_read_search"],
    mounts: { ...mounts, ...tools.mounts },
    env: tools.env,
  });
  const sidecar = watched(`the sidecar of ${pod.name}`, child);
  await sidecar.printed(/sidecar ready/);
  return sidecar;
}

async function askAdmin(pod: NetworkPod, path: string): Promise<string> {
  const ask = `fetch(process.argv[1]).then((r) => r.text()).then((t) => process.stdout.write(t))`;
  const { code, stdout, stderr } = await pod.run([process.execPath, "-e", ask, `http://127.0.0.1:15000${path}`]);
  if (code !== 0) throw new Error(`the admin API of ${pod.name}: ${stderr}`);
  return stdout;
}
