import type { Leaving } from "../model/handover.js";

/** For so long at most a sidecar listens for callers that do not say that they know. */
export const LEAVE_LIMIT_MS = 60_000;
/** After a caller's acknowledgement: until its workers know, and what they had begun has been sent. */
export const LEAVE_MS = 2_000;
/** The same where callers may be connected to another replica, which nobody asks. */
export const LEAVE_WITH_SISTERS_MS = 10_000;
/** The drain time of a sidecar (`drain-arguments.ts`), and a little more: then no connection to a port is left. */
export const DRAIN_MS = 50_000;
/** After a sidecar acknowledged all of a listener: until its workers accept connections. */
export const LISTEN_MS = 500;
/** For so long a sidecar that may be connected to another replica is waited for. */
export const SISTER_LISTEN_MS = 30_000;

/** One port that a workload has left. */
export interface LeavingView {
  readonly phase: Leaving["phase"];
  /** Since when it is in its phase. */
  readonly sinceMs: number;
  /** Since when all callers know; absent: some do not yet. */
  readonly knownSinceMs?: number | undefined;
  readonly hasSisters: boolean;
}

/** The phase in which a port should be now, or `over` when nothing of it need be kept. */
export function phaseAt(
  { phase, sinceMs, knownSinceMs, hasSisters }: LeavingView,
  nowMs: number,
): Leaving["phase"] | "over" {
  switch (phase) {
    case "announced":
      // The store ends this one, when another endpoint is announced. One that never is must not keep it for ever.
      return nowMs - sinceMs < LEAVE_LIMIT_MS ? "announced" : "told";
    case "told": {
      const isKnown = knownSinceMs !== undefined && nowMs - knownSinceMs >= LEAVE_MS;
      const isOver = isKnown && (!hasSisters || nowMs - sinceMs >= LEAVE_WITH_SISTERS_MS);
      return isOver || nowMs - sinceMs >= LEAVE_LIMIT_MS ? "draining" : "told";
    }
    case "draining":
      return nowMs - sinceMs < DRAIN_MS ? "draining" : "over";
  }
}

/** One workload with ports of which callers are not told yet. */
export interface JoiningView {
  readonly sinceMs: number;
  /** Since when its sidecar has acknowledged all that it listens with; absent: it has not, or it is not connected. */
  readonly listeningSinceMs?: number | undefined;
  readonly isConnected: boolean;
  readonly hasSisters: boolean;
}

/** Whether callers may be told. A sidecar that never comes is waited for without end, unless it may be elsewhere. */
export function mayAnnounce(
  { sinceMs, listeningSinceMs, isConnected, hasSisters }: JoiningView,
  nowMs: number,
): boolean {
  if (listeningSinceMs !== undefined) return nowMs - listeningSinceMs >= LISTEN_MS;
  return hasSisters && !isConnected && nowMs - sinceMs >= SISTER_LISTEN_MS;
}
