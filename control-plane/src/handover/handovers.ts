import type { Handover, Leaving } from "../model/handover.js";
import type { ChangedNames, ResourceType } from "../model/resource.js";
import type { Snapshot } from "../model/snapshot.js";
import { type JoiningView, mayAnnounce, phaseAt } from "./step.js";

/** Sees handovers through: looks at proxies and at the clock, and tells the store what is not waited for any more. */
export interface Handovers {
  /** From now on proxies are served. */
  begin(): void;
  /** A snapshot was published; `changed` is what it changes, by connected proxy. */
  published(snapshot: Snapshot, changed: ReadonlyMap<string, ChangedNames>): void;
  /** A proxy came, or answered. */
  proxyChanged(): void;
  /** The last stream of a proxy ended. */
  gone(proxyKey: string): void;
  /** Whether a workload is no more and no caller of it can still come: what runs of it may be ended. */
  departure(workloadKey: string): Departure;
  /** What is waited for, by workload. */
  report(): readonly HandoverReport[];
  close(): void;
}

export interface Departure {
  readonly ok: boolean;
  readonly message: string;
}

export interface HandoverReport {
  readonly workload: string;
  /** `<host>:<port>` of services whose callers are not told of it yet. */
  readonly joining: readonly string[];
  /** The same of services that it has left, and whose callers may still come. */
  readonly leaving: readonly string[];
  /** Callers that have not acknowledged it, some of them. */
  readonly waitingFor: readonly string[];
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
}

export interface HandoversOptions {
  readonly snapshot: () => Snapshot;
  readonly set: (handovers: Snapshot["handovers"]) => void;
  /** Undefined when it is not connected. */
  readonly proxy: (proxyKey: string) => HandoverProxy | undefined;
  /** Whether other control planes serve proxies of the mesh, whom nobody asks here. */
  readonly hasSisters: boolean;
  /** For people. */
  readonly onEvent: (message: string) => void;
}

/** Where a connected proxy stands. */
export interface HandoverProxy {
  readonly connectedAtMs: number;
  /** It has acknowledged all that it should know of others. */
  readonly isCaughtUp: boolean;
  /** It has accepted all that it should listen with. */
  readonly listens: boolean;
}

/** How long after one look at proxies the next is, while one of them is waited for, and while none is. */
const POLL_MS = 100;
const IDLE_MS = 1_000;
/** Envoy comes back within this time: the longest pause between its attempts, and a little more. */
const RETURN_MS = 35_000;
/** A workload that is not announced for so long is told of. */
const TELL_MS = 30_000;
const MAX_TOLD = 20;
/** What callers know endpoints by. */
const CALLERS_TYPES: readonly ResourceType[] = ["cluster", "endpoints", "listener", "routes"];

interface LeavingState {
  readonly sinceMs: number;
  /** Callers that have not answered. */
  readonly waiting: Set<string>;
  knownSinceMs?: number | undefined;
}

interface JoiningState {
  readonly sinceMs: number;
  listeningSinceMs?: number | undefined;
  isTold: boolean;
}

export function createHandovers({ snapshot, set, proxy, hasSisters, onEvent }: HandoversOptions): Handovers {
  const leavingStates = new Map<Leaving, LeavingState>();
  const joiningStates = new Map<string, JoiningState>();
  /** Workloads whose sidecars are being ended: what their streams say counts for no one that comes back. */
  const ending = new Set<string>();
  /** Callers that may come back with what they had: when they went. After a start that is all of them. */
  const away = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let dueMs = Number.POSITIVE_INFINITY;
  let isClosed = false;

  const knows = (proxyKey: string, nowMs: number): boolean => {
    const known = proxy(proxyKey);
    if (known !== undefined) return known.isCaughtUp;
    if (!snapshot().workloads.has(proxyKey)) return true;
    const goneMs = away.get(proxyKey);
    return goneMs === undefined || nowMs - goneMs >= RETURN_MS;
  };
  const isAnyAway = (nowMs: number): boolean => {
    for (const proxyKey of away.keys()) {
      if (!knows(proxyKey, nowMs)) return true;
      away.delete(proxyKey);
    }
    return false;
  };

  const wake = (delayMs: number) => {
    const atMs = Date.now() + delayMs;
    if (isClosed || atMs >= dueMs) return;
    clearTimeout(timer);
    dueMs = atMs;
    timer = setTimeout(look, delayMs);
    timer.unref();
  };

  const look = () => {
    dueMs = Number.POSITIVE_INFINITY;
    const nowMs = Date.now();
    const next = new Map<string, Handover>();
    for (const [key, handover] of snapshot().handovers) {
      const after = lookAt(key, handover, nowMs);
      if (after.joining.size > 0 || after.leaving.length > 0) next.set(key, after);
    }
    set(next);
    if (snapshot().handovers.size > 0) wake(isBusy() ? POLL_MS : IDLE_MS);
  };
  /** Whether something may be over at any moment. */
  const isBusy = () =>
    [...snapshot().handovers].some(
      ([key, { joining, leaving }]) =>
        leaving.some(({ phase }) => phase === "told") || (joining.size > 0 && proxy(key) !== undefined),
    );

  /** The same object where nothing is over. */
  const lookAt = (key: string, handover: Handover, nowMs: number): Handover => {
    const isJoined = handover.joining.size > 0 && mayAnnounce(joiningView(key, nowMs), nowMs);
    const leaving = handover.leaving.flatMap((left): Leaving | readonly Leaving[] => {
      const phase = phaseOf(left, nowMs);
      if (phase === "over") return [];
      return phase === left.phase ? left : { ...left, phase };
    });
    const isSame = leaving.length === handover.leaving.length && leaving.every((l, i) => l === handover.leaving[i]);
    if (isSame && !isJoined) return handover;
    return { joining: isJoined ? new Map() : handover.joining, leaving };
  };

  const phaseOf = (left: Leaving, nowMs: number): Leaving["phase"] | "over" => {
    const state = leavingStates.get(left);
    if (state === undefined) return left.phase;
    for (const proxyKey of state.waiting) if (knows(proxyKey, nowMs)) state.waiting.delete(proxyKey);
    const isKnown = left.phase === "told" && state.waiting.size === 0 && !isAnyAway(nowMs);
    state.knownSinceMs = isKnown ? (state.knownSinceMs ?? nowMs) : undefined;
    const { sinceMs, knownSinceMs } = state;
    return phaseAt({ phase: left.phase, sinceMs, knownSinceMs, hasSisters }, nowMs);
  };

  const joiningView = (key: string, nowMs: number): JoiningView => {
    const state = joiningStates.get(key);
    if (state === undefined) return { sinceMs: nowMs, isConnected: false, hasSisters };
    const sidecar = ending.has(key) ? undefined : proxy(key);
    state.listeningSinceMs = sidecar?.listens ? (state.listeningSinceMs ?? nowMs) : undefined;
    if (!state.isTold && nowMs - state.sinceMs >= TELL_MS && state.listeningSinceMs === undefined) {
      state.isTold = true;
      const why = sidecar === undefined ? "is not connected" : "has not accepted all of its listeners";
      onEvent(`WorkloadEntry ${key} is not announced to its callers: its sidecar ${why}; see weft status`);
    }
    const { sinceMs, listeningSinceMs } = state;
    return { sinceMs, listeningSinceMs, isConnected: sidecar !== undefined, hasSisters };
  };

  return {
    begin() {
      for (const [key, { hasSidecar }] of snapshot().workloads) if (hasSidecar) away.set(key, Date.now());
    },
    published({ handovers }, changed) {
      const nowMs = Date.now();
      const leaving = new Set([...handovers.values()].flatMap((handover) => handover.leaving));
      for (const left of leavingStates.keys()) if (!leaving.has(left)) leavingStates.delete(left);
      for (const key of joiningStates.keys()) if (!handovers.get(key)?.joining.size) joiningStates.delete(key);
      for (const [key, handover] of handovers) {
        if (handover.joining.size > 0 && !joiningStates.has(key))
          joiningStates.set(key, { sinceMs: nowMs, isTold: false });
        for (const left of handover.leaving)
          if (!leavingStates.has(left))
            leavingStates.set(left, {
              sinceMs: nowMs,
              waiting: new Set(left.phase === "told" ? callersAmong(changed, key) : []),
            });
      }
      if (handovers.size > 0) wake(POLL_MS);
    },
    proxyChanged() {
      if (snapshot().handovers.size > 0) wake(POLL_MS);
    },
    gone(proxyKey) {
      ending.delete(proxyKey);
      if (snapshot().workloads.has(proxyKey)) away.set(proxyKey, Date.now());
    },
    departure(key) {
      if (snapshot().workloads.has(key)) return { ok: false, message: `WorkloadEntry ${key} is there` };
      const leaving = snapshot().handovers.get(key)?.leaving ?? [];
      if (leaving.some(({ phase }) => phase !== "draining") || isAnyAway(Date.now()))
        return { ok: false, message: `callers of WorkloadEntry ${key} may still come` };
      if (proxy(key) !== undefined) ending.add(key);
      return { ok: true, message: `nobody calls WorkloadEntry ${key} any more` };
    },
    report: () =>
      [...snapshot().handovers].flatMap(([workload, handover]): HandoverReport[] => {
        const leaving = handover.leaving.filter(({ phase }) => phase !== "draining");
        const joining = [...handover.joining.values()];
        if (leaving.length === 0 && joining.length === 0) return [];
        const states = leaving.flatMap((left) => leavingStates.get(left) ?? []);
        const since = [...states, ...[joiningStates.get(workload) ?? []].flat()].map(({ sinceMs }) => sinceMs);
        const waitingFor = [...new Set(states.flatMap(({ waiting }) => [...waiting]))].sort();
        return [
          {
            workload,
            joining: joining.map(textOf),
            leaving: leaving.map(textOf),
            waitingFor: waitingFor.slice(0, MAX_TOLD),
            sinceMs: Math.min(...since),
          },
        ];
      }),
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** The proxies that a change tells of an endpoint of a workload; its own sidecar's listeners are no such news. */
function callersAmong(changed: ReadonlyMap<string, ChangedNames>, workloadKey: string): readonly string[] {
  return [...changed].flatMap(([proxyKey, names]) => {
    const isCaller = CALLERS_TYPES.some(
      (type) => names.has(type) && (proxyKey !== workloadKey || type === "endpoints" || type === "routes"),
    );
    return isCaller ? proxyKey : [];
  });
}

function textOf({ service: { host }, port: { port } }: Pick<Leaving, "service" | "port">): string {
  return `${host}:${port}`;
}

/** What may be asked over the admin socket before a workload is ended: `{"workload": "<namespace>/<name>"}`. */
export function departureActions(handovers: Pick<Handovers, "departure">) {
  return {
    "/workloads/departed": (body: unknown) => {
      const key = typeof body === "object" && body !== null && "workload" in body ? body.workload : undefined;
      if (typeof key === "string") return handovers.departure(key);
      return { ok: false, message: 'say which workload: {"workload": "<namespace>/<name>"}' };
    },
  };
}
