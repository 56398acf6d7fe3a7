import type { ResourceType } from "./model/resource.js";
import type { IncrementalTranslation } from "./translate/incremental.js";
import type { ProxySync, TypeSync } from "./xds/provider.js";

/**
 * Where a connected proxy stands, as `/debug/proxies` of the admin socket says it in JSON. A proxy that reconnects may
 * be there twice for a while. Times are in the form of RFC 3339.
 */
export interface ProxyStatus {
  /** `<namespace>/<workload name>`, from its certificate. */
  readonly proxy: string;
  /** What it calls itself. Not authenticated. */
  readonly nodeId: string;
  readonly protocol: "incremental" | "state-of-the-world";
  readonly connectedAt: string;
  /** Whether it has all that it should have, of every type. */
  readonly inSync: boolean;
  readonly bytesSent: number;
  readonly responsesSent: number;
  /** Absent while its workload is gone. */
  readonly scope?: {
    /** Services in scope, and all that it may reach. */
    readonly services: number;
    readonly reachable: number;
    /** Clusters beyond the scope that it asked for and has, in order. */
    readonly onDemand: readonly string[];
  };
  /** Those that it has asked for, in push order. */
  readonly types: readonly ProxyTypeStatus[];
}

export interface ProxyTypeStatus {
  readonly type: ResourceType;
  /** Resources that it has, or has been sent. */
  readonly resources: number;
  /** `waiting`: for its answer, or to send. `refused`: it goes on with something older than what it refused. */
  readonly state: "synced" | "waiting" | "refused";
  readonly staleSince?: string;
  readonly lastSent?: string;
  readonly lastAcked?: string;
  /** Also when it accepted something else since. */
  readonly lastNack?: { readonly at: string; readonly message: string; readonly names: readonly string[] };
}

/** Of a refused response, so many names are told. */
const MAX_NAMES = 20;
/** Refusals quote what the proxy was given. */
const MAX_MESSAGE = 2_000;

/** Where all streams stand, by proxy and then by age. */
export function proxyStatuses(
  streams: readonly ProxySync[],
  translation: Pick<IncrementalTranslation, "scope">,
): readonly ProxyStatus[] {
  return streams.map((sync) => {
    const scope = translation.scope(sync.proxyKey);
    const types = sync.types.map(typeStatus);
    return {
      proxy: sync.proxyKey,
      nodeId: sync.nodeId,
      protocol: sync.protocol,
      connectedAt: time(sync.connectedAtMs),
      inSync: types.every(({ state }) => state === "synced"),
      bytesSent: sync.bytesSent,
      responsesSent: sync.responsesSent,
      ...(scope === undefined ? {} : { scope }),
      types,
    };
  });
}

function typeStatus({ type, sentVersions, inFlight, pending, times, lastNack }: TypeSync): ProxyTypeStatus {
  const { sentAtMs, ackedAtMs, nackedAtMs, staleSinceMs } = times;
  const state = inFlight || pending > 0 ? "waiting" : staleSinceMs === undefined ? "synced" : "refused";
  return {
    type,
    resources: sentVersions,
    state,
    ...(staleSinceMs === undefined ? {} : { staleSince: time(staleSinceMs) }),
    ...(sentAtMs === undefined ? {} : { lastSent: time(sentAtMs) }),
    ...(ackedAtMs === undefined ? {} : { lastAcked: time(ackedAtMs) }),
    ...(lastNack === undefined || nackedAtMs === undefined
      ? {}
      : {
          lastNack: {
            at: time(nackedAtMs),
            message: lastNack.message.slice(0, MAX_MESSAGE),
            names: lastNack.names.slice(0, MAX_NAMES),
          },
        }),
  };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
