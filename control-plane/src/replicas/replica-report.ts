/** What one replica of the control plane knows of a proxy that has a plugin and a stream to it. */
export interface ReportedProxy {
  /** `<namespace>/<workload>` */
  readonly key: string;
  /** Of the plugin, as the proxy should have it; empty: none was ever ready. */
  readonly version: string;
  /** It acknowledged all that it should have of the plugin now. */
  readonly acked: boolean;
  /** What it said of that when it refused it last. */
  readonly refusal?: string;
  /** The connection managers in which the plugin stands, as Envoy's stats name them. */
  readonly managers: readonly string[];
}

export interface ReplicaReport {
  /** Names the replica among all. */
  readonly replica: string;
  /** By plugin. */
  readonly plugins: Readonly<Record<string, readonly ReportedProxy[]>>;
}

/** The report as another replica sent it, perhaps one of another release. Undefined when it is not whole. */
export function readReport(text: string): ReplicaReport | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || typeof value.replica !== "string" || !isRecord(value.plugins)) return undefined;
  if (!Object.values(value.plugins).every((proxies) => Array.isArray(proxies) && proxies.every(isReported)))
    return undefined;
  return value as unknown as ReplicaReport;
}

function isReported(value: unknown): boolean {
  return (
    isRecord(value) &&
    typeof value.key === "string" &&
    typeof value.version === "string" &&
    typeof value.acked === "boolean" &&
    (value.refusal === undefined || typeof value.refusal === "string") &&
    Array.isArray(value.managers) &&
    value.managers.every((manager) => typeof manager === "string")
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
