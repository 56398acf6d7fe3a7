import type { HandoverReport } from "./handover/handovers.js";
import type { IdentityReport } from "./identity/identity-report.js";
import { compareStrings } from "./model/compare.js";
import type { Workload } from "./model/workload.js";
import type { ProxyStatus } from "./proxy-status.js";

/** A connected proxy, by the newest of its streams. */
export interface ConnectedProxy extends ProxyStatus {
  /** The end of its newest certificate, where this control plane signed it. Milliseconds since 1970. */
  readonly certificateEndsMs?: number;
}

/** A workload that should have a proxy here, and has none. */
export interface AbsentProxy {
  readonly proxy: string;
  /** When its last stream ended; absent: none came since the control plane started. Milliseconds since 1970. */
  readonly goneAtMs?: number;
}

/** What `weft status` tells of a mesh. */
export interface MeshReport {
  readonly controlPlane: { readonly pid: number; readonly xds: string; readonly startedAtMs: number };
  /** In the order of their names; so are the absent ones. */
  readonly proxies: readonly ConnectedProxy[];
  readonly absent: readonly AbsentProxy[];
  /** Endpoints that callers are not told of yet, or that they may not know to be gone. In the order of workloads. */
  readonly handovers: readonly HandoverReport[];
  /** Of certificates. */
  readonly warnings: IdentityReport["warnings"];
}

export interface MeshReportInput {
  readonly controlPlane: MeshReport["controlPlane"];
  /** Of each proxy the newest stream last. */
  readonly streams: readonly ProxyStatus[];
  readonly workloads: ReadonlyMap<string, Pick<Workload, "hasSidecar">>;
  /** When the last stream of a proxy ended. */
  readonly goneAtMs: ReadonlyMap<string, number>;
  readonly handovers: readonly HandoverReport[];
  readonly identity: Pick<IdentityReport, "workloads" | "warnings">;
}

export function meshReport(input: MeshReportInput): MeshReport {
  const { controlPlane, streams, workloads, goneAtMs, handovers, identity } = input;
  const newest = new Map(streams.map((status) => [status.proxy, status]));
  const ends = new Map<string, number>();
  for (const { workload, notAfterMs } of identity.workloads)
    ends.set(workload, Math.max(notAfterMs, ends.get(workload) ?? 0));
  const absent = [...workloads].flatMap(([proxy, { hasSidecar }]): AbsentProxy[] => {
    if (!hasSidecar || newest.has(proxy)) return [];
    const at = goneAtMs.get(proxy);
    return [{ proxy, ...(at === undefined ? {} : { goneAtMs: at }) }];
  });
  return {
    controlPlane,
    proxies: [...newest.values()].sort(byProxy).map((status) => {
      const certificateEndsMs = ends.get(status.proxy);
      return { ...status, ...(certificateEndsMs === undefined ? {} : { certificateEndsMs }) };
    }),
    absent: absent.sort(byProxy),
    handovers: [...handovers].sort((a, b) => compareStrings(a.workload, b.workload)),
    warnings: identity.warnings,
  };
}

const byProxy = (a: { readonly proxy: string }, b: { readonly proxy: string }) => compareStrings(a.proxy, b.proxy);
