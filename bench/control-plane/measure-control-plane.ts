import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApiServer, startApiServer } from "../../test/kubernetes/api-server.js";
import { rotated } from "../measure/statistics.js";
import { run } from "../measure/tools.js";
import { type RunningControlPlane, startIstiod, startWeft } from "./contenders.js";
import { buildIstiod, buildXdsload } from "./go-build.js";
import { type CpuProfile, readProfile } from "./profile.js";
import { CONTENDERS, type Contender, type LoadResult, type Round } from "./results.js";
import { defineSidecars, SCOPED_SERVICES, setScope } from "./scope.js";

export interface MeasureControlPlaneOptions {
  readonly rounds: number;
  readonly clients: number;
  readonly services: number;
  readonly changes: number;
  /** For so many seconds there are ten changes a second; 0: that is not measured. */
  readonly steady: number;
  /** Whether Weft is measured once more with a profile. */
  readonly profile: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

const ENDPOINTS = 4;
const NAMESPACE = "load";
const CONTROL_PLANE_NAMESPACES = ["istio-system", "weft-system"];
const CHANGES_A_SECOND = 10;
const LOAD_LIMIT_MS = 1_800_000;

/** Both control planes in turn, beside the same API server with the same objects. */
export async function measureControlPlane(
  options: MeasureControlPlaneOptions,
): Promise<{ readonly rounds: readonly Round[]; readonly profile?: CpuProfile }> {
  const { rounds, signal, onProgress } = options;
  const programs = { xdsload: await buildXdsload(options), istiod: await buildIstiod(options) };
  onProgress("starting etcd and an API server");
  const server = await startApiServer();
  try {
    await defineSidecars(server);
    for (const namespace of CONTROL_PLANE_NAMESPACES) await server.createNamespace(namespace);
    await load(programs.xdsload, server, options, ["--setup-only"]);
    const results: Round[] = [];
    for (let i = 0; i < rounds; i++) {
      const round = new Map<Contender, LoadResult>();
      for (const contender of rotated(CONTENDERS, i)) {
        signal.throwIfAborted();
        const result = await measureOne(contender, programs, server, options);
        round.set(contender, result);
        onProgress(
          `round ${i + 1} of ${rounds}, ${contender}: connected in ${result.connectSeconds.toFixed(1)} s, a change in ${result.changeP50Ms.toFixed(0)} ms (p50), ${(result.connectedBytes / 1e6).toFixed(0)} MB`,
        );
      }
      results.push(Object.fromEntries(round) as unknown as Round);
    }
    if (!options.profile) return { rounds: results };
    onProgress("once more, with a profile");
    const profileDir = await mkdtemp(join(tmpdir(), "weft-bench-profile-"));
    try {
      await measureOne("weft", programs, server, options, profileDir);
      return { rounds: results, profile: await readProfile(profileDir) };
    } finally {
      await rm(profileDir, { recursive: true, force: true });
    }
  } finally {
    await server.close();
  }
}

async function measureOne(
  contender: Contender,
  programs: { readonly xdsload: string; readonly istiod: string },
  server: ApiServer,
  options: MeasureControlPlaneOptions,
  profileDir?: string,
): Promise<LoadResult> {
  const { kubeconfig } = server;
  const dir = await mkdtemp(join(tmpdir(), "weft-bench-control-plane-"));
  let running: RunningControlPlane | undefined;
  try {
    await writeFile(join(dir, "mesh.yaml"), "trustDomain: cluster.local\n");
    const isScoped = contender === "weft-scoped";
    await setScope(server, NAMESPACE, isScoped);
    const start = { kubeconfig, dir, signal: options.signal, ...(profileDir === undefined ? {} : { profileDir }) };
    running = contender === "istiod" ? await startIstiod(programs.istiod, start) : await startWeft(start);
    const { changes, services, steady } = options;
    // What a sidecar is not sent, it is told no changes of.
    const changed = isScoped ? SCOPED_SERVICES : services;
    return JSON.parse(
      await load(programs.xdsload, server, options, [
        ...["--addr", running.address, "--pid", String(running.pid), "--changes", String(changes)],
        ...["--changed", String(changed), "--rate", String(CHANGES_A_SECOND), "--steady", `${steady}s`],
      ]),
    ) as LoadResult;
  } finally {
    await running?.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function load(
  xdsload: string,
  server: ApiServer,
  { clients, services, signal }: MeasureControlPlaneOptions,
  args: readonly string[],
): Promise<string> {
  const token = tokenOf(await readFile(server.kubeconfig, "utf8"));
  return run(
    xdsload,
    [
      ...["--api", server.url, "--namespace", NAMESPACE, "--endpoints", String(ENDPOINTS)],
      ...["--clients", String(clients), "--services", String(services), ...args],
    ],
    { limitMs: LOAD_LIMIT_MS, signal, env: { ...process.env, XDSLOAD_TOKEN: token } },
  );
}

/** Of the administrator, from a kubeconfig in JSON. */
function tokenOf(kubeconfig: string): string {
  const { users } = JSON.parse(kubeconfig) as { users: { user: { token: string } }[] };
  const [first] = users;
  if (first === undefined) throw new Error("the kubeconfig names no user");
  return first.user.token;
}
