import { resolve } from "node:path";
import { controlPlaneSpiffeId } from "@weft/control-plane/identity/control-plane-id";
import { createLogger } from "@weft/control-plane/log";
import { MeshError } from "../mesh/mesh-error.js";
import { findTools } from "../mesh/tools.js";
import { runSidecar } from "../sidecar/run-sidecar.js";

export interface SidecarFlags {
  readonly dir: string;
  readonly workload: string;
  readonly address: string;
  readonly interception: "none" | "redirect";
  readonly xds: string;
  readonly serviceAccount: string;
  readonly trustDomain: string;
}

/** `weft sidecar`: one Envoy, until a signal ends it. */
export async function sidecar(flags: SidecarFlags): Promise<void> {
  const [namespace, name] = flags.workload.split("/");
  const xds = /^(.+):(\d+)$/.exec(flags.xds);
  if (!namespace || !name) throw new MeshError("setup-missing", "--workload is <namespace>/<name>");
  if (xds === null) throw new MeshError("setup-missing", "--xds is <host>:<port>");
  const logger = createLogger("text", (line) => process.stdout.write(line));
  const abort = new AbortController();
  const signal = new Promise<void>((done) => {
    for (const signalName of ["SIGINT", "SIGTERM"] as const)
      process.on(signalName, () => {
        abort.abort();
        done();
      });
  });
  const running = await runSidecar({
    workloadDir: resolve(flags.dir),
    namespace,
    name,
    address: flags.address,
    interception: flags.interception,
    serviceAccount: flags.serviceAccount,
    xdsAddress: { host: xds[1] ?? "", port: Number(xds[2]) },
    ...findTools(),
    trustDomain: flags.trustDomain,
    controlPlaneId: controlPlaneSpiffeId(flags.trustDomain),
    logger,
  });
  logger.info("sidecar started", { admin: running.adminAddress, pids: running.pids.join(",") });
  if (await Promise.race([running.ready, signal.then(() => false)])) logger.info("sidecar ready");
  await signal;
  await running.stop();
}
