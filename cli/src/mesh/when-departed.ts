import { pause } from "@weft/control-plane/identity/pause";
import { askControlPlane } from "./control-plane-process.js";

const POLL_MS = 200;
/** Longer than the control plane waits for callers that do not answer, and than it takes to come back. */
const LIMIT_MS = 90_000;

/**
 * Resolves when the control plane says that nobody calls a workload of which there is no object any more, when the signal
 * is aborted, or after a limit.
 */
export async function whenDeparted(adminSocket: string, workload: string, signal: AbortSignal): Promise<void> {
  for (const endMs = Date.now() + LIMIT_MS; Date.now() < endMs && !signal.aborted; ) {
    const answer = await askControlPlane<{ readonly ok: boolean }>(adminSocket, "/workloads/departed", {
      workload,
    }).catch(() => undefined);
    if (answer?.ok) return;
    await pause(POLL_MS, signal);
  }
}
