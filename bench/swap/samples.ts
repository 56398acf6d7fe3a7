import type { FleetReport } from "./fleet.js";
import type { LoadReport } from "./load.js";
import type { Applied, Sent } from "./swap-mesh.js";

/** What was seen from the mark before an event until all was quiet again. */
export interface Sighting {
  readonly load: LoadReport;
  readonly fleet: FleetReport;
  readonly before: Sent;
  readonly after: Sent;
}

/** What passed during a sighting, and what of it went wrong. */
interface Traffic {
  readonly requests: number;
  readonly failed: number;
  readonly unfiltered: number;
  readonly failures: readonly string[];
  readonly lostStreams: number;
  /** Bytes of responses that the control plane sent, for all of them. */
  readonly envoyBytes: number;
  readonly clientBytes: number;
  /** The same for simulated sidecars as it came over their connections, with HTTP/2 and TLS. */
  readonly clientWireBytes: number;
}

function trafficOf({ load, fleet, before, after }: Sighting): Traffic {
  return {
    requests: load.requests,
    failed: load.failed,
    unfiltered: load.unfiltered,
    failures: load.failures,
    lostStreams: fleet.lost,
    envoyBytes: after.envoyBytes - before.envoyBytes,
    clientBytes: after.clientBytes - before.clientBytes,
    clientWireBytes: fleet.wireBytes,
  };
}

/** One push of a new version. Times are milliseconds from the end of the push; absent: it did not happen. */
export interface SwapSample extends Traffic {
  readonly envoysApplied: number;
  readonly clientsApplied: number;
  readonly firstEnvoyMs?: number;
  readonly lastEnvoyMs?: number;
  /** The last answer by the old version. */
  readonly lastOldAnswerMs?: number;
  /** The control plane had pulled and proved the module, and began to send it. */
  readonly acceptedMs?: number;
  readonly firstClientMs?: number;
  readonly lastClientMs?: number;
  /** The control plane had an ACK of every proxy. */
  readonly lastAckMs?: number;
  readonly refusedBy: number;
  /** Slots of which simulated sidecars got more than one version. */
  readonly unequalSlots: number;
}

export function swapSample(pushedMs: number, sighting: Sighting, applied?: Applied): SwapSample {
  const { load, fleet } = sighting;
  const since = (atMs: number): number => atMs - pushedMs;
  const firsts = load.targets.flatMap(({ firstNewMs }) => (firstNewMs === undefined ? [] : [since(firstNewMs)]));
  const olds = load.targets.flatMap(({ lastOldMs }) => (lastOldMs === undefined ? [] : [since(lastOldMs)]));
  return {
    envoysApplied: firsts.length,
    clientsApplied: fleet.swapped,
    ...(firsts.length === 0 ? {} : { firstEnvoyMs: Math.min(...firsts), lastEnvoyMs: Math.max(...firsts) }),
    ...(olds.length === 0 ? {} : { lastOldAnswerMs: Math.max(...olds) }),
    ...(applied === undefined
      ? {}
      : { acceptedMs: since(applied.atMs) - applied.tookMs, lastAckMs: since(applied.atMs) }),
    ...(fleet.firstMs === undefined ? {} : { firstClientMs: since(fleet.firstMs) }),
    ...(fleet.lastMs === undefined ? {} : { lastClientMs: since(fleet.lastMs) }),
    refusedBy: applied?.rejected ?? 0,
    unequalSlots: Object.values(fleet.versions).filter((versions) => versions.length !== 1).length,
    ...trafficOf(sighting),
  };
}

export const FAULTS = ["not-found", "error-500", "down"] as const;
export type Fault = (typeof FAULTS)[number];

/** A tag that could not be fetched, from before the WasmPlugin names it until after it names the old tag again. */
export interface FaultSample extends Traffic {
  readonly fault: Fault;
  /** After how many milliseconds the status said so. */
  readonly toldMs: number;
  /** Real Envoys that answered with another version, or acknowledged another slot. */
  readonly envoysChanged: number;
  /** Simulated sidecars that got a slot. */
  readonly clientsChanged: number;
}

export function faultSample(fault: Fault, toldMs: number, sighting: Sighting): FaultSample {
  const { load, fleet, before, after } = sighting;
  const changed = new Set(load.targets.flatMap(({ name, lastOldMs }) => (lastOldMs === undefined ? [] : [name])));
  for (const slot of new Set([...Object.keys(before.slots), ...Object.keys(after.slots)]))
    if (before.slots[slot] !== after.slots[slot]) changed.add(slot.replace(/^default\/(\S+) .*/, "$1"));
  return {
    fault,
    toldMs,
    envoysChanged: changed.size,
    clientsChanged: fleet.swapped,
    ...trafficOf(sighting),
  };
}
