import type { IdentityReport } from "./identity/identity-report.js";
import { type MeshReportInput, meshReport } from "./mesh-report.js";
import type { Diagnostic } from "./model/diagnostic.js";
import { proxyStatuses } from "./proxy-status.js";
import type { IncrementalTranslation } from "./translate/incremental.js";
import type { XdsServer } from "./xds/server.js";

export interface AdminQuestionsOptions {
  readonly controlPlane: MeshReportInput["controlPlane"];
  readonly proxies: XdsServer["proxies"];
  readonly translation: IncrementalTranslation;
  readonly workloads: () => MeshReportInput["workloads"];
  readonly goneAtMs: MeshReportInput["goneAtMs"];
  readonly handovers: () => MeshReportInput["handovers"];
  readonly diagnostics: () => readonly Diagnostic[];
  readonly rollouts: () => unknown;
  readonly identity: () => IdentityReport;
}

/** What may be asked over the admin socket, by path. */
export function adminQuestions(options: AdminQuestionsOptions): Readonly<Record<string, () => unknown>> {
  const { controlPlane, proxies, translation, workloads, goneAtMs, handovers, diagnostics, rollouts, identity } =
    options;
  const streams = () => proxyStatuses(proxies(), translation);
  return {
    "/proxies": () =>
      proxies().map((sync) => ({
        ...sync,
        types: sync.types.map(({ ackedVersions, lastNack, ...rest }) => ({
          ...rest,
          ackedVersions: Object.fromEntries(ackedVersions ?? []),
          ...(lastNack === undefined ? {} : { lastNack: { message: lastNack.message, names: lastNack.names } }),
        })),
        slots: translation.slots(sync.proxyKey),
      })),
    "/status": () =>
      meshReport({
        ...{ controlPlane, goneAtMs },
        streams: streams(),
        workloads: workloads(),
        handovers: handovers(),
        identity: identity(),
      }),
    "/diagnostics": diagnostics,
    "/debug/proxies": streams,
    "/rollouts": rollouts,
    "/identity": identity,
  };
}
