import { createServer } from "node:net";
import { ADMIN_PORT, HEALTH_PORT, METRICS_PORT, ROLLOUT_HEALTH_PORT } from "@weft/control-plane/injection/ports";
import { SidecarError } from "./sidecar-error.js";

const WANTED = [
  [HEALTH_PORT, "health checks"],
  [METRICS_PORT, "metrics"],
  [ROLLOUT_HEALTH_PORT, "rollout health"],
] as const;

/** Rejects when somebody listens already on a port that the sidecar's Envoy needs from the start. */
export async function checkPorts(address: string, adminAddress: string, who: string): Promise<void> {
  for (const [host, port, purpose] of [
    [adminAddress, ADMIN_PORT, "admin API"] as const,
    ...WANTED.map(([port, purpose]) => [address, port, purpose] as const),
  ]) {
    const code = await tryListen(host, port);
    if (code === undefined) continue;
    const wanted = `the sidecar of ${who} wants ${host}:${port} for its ${purpose}`;
    if (code === "EADDRINUSE")
      throw new SidecarError(
        "port-in-use",
        `${wanted}, but a process listens there already: end it (ss -ltnp shows it)`,
      );
    throw new SidecarError("start", `${wanted}, but cannot listen there (${code}): is it an address of this machine?`);
  }
}

function tryListen(address: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
