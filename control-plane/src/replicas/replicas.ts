import { type ReplicaReport, type ReportedProxy, readReport } from "./replica-report.js";

/** The other replicas of the control plane, as far as their proxies are concerned. */
export interface Replicas {
  /** Proxies that have a plugin and a stream to another replica, by their keys in order. The same list until it changes. */
  proxies(pluginKey: string): readonly ReportedProxy[];
  close(): void;
}

export interface ReplicasOptions {
  /** `host:port`; a host may stand for several replicas, this one among them. */
  readonly peers: readonly string[];
  /** Name of this one. */
  readonly own: string;
  /** The addresses that a host has now. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** Asks one (`address:port`) for its report. */
  readonly ask: (peer: string, signal: AbortSignal) => Promise<Uint8Array | undefined>;
  /** What is told of these plugins' proxies is another now. */
  readonly onChange: (plugins: readonly string[]) => void;
  /** Each once until it is another. */
  readonly onProblem: (peer: string, message: string) => void;
  /** Default: two seconds. */
  readonly intervalMs?: number;
}

const INTERVAL_MS = 2_000;
const ASK_MS = 2_000;
const NONE: readonly ReportedProxy[] = [];

/** Asks all other replicas again and again. One that does not answer has no proxies: they go to those that do. */
export function createReplicas(options: ReplicasOptions): Replicas {
  const { intervalMs = INTERVAL_MS } = options;
  let known: ReadonlyMap<string, readonly ReportedProxy[]> = new Map();
  const problems = new Map<string, string>();
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;

  const told = (peer: string, problem: string | undefined) => {
    if (problem === undefined) problems.delete(peer);
    else if (problems.get(peer) !== problem) {
      problems.set(peer, problem);
      options.onProblem(peer, problem);
    }
  };
  const addressesOf = async (peer: string): Promise<readonly string[]> => {
    const [, host = "", port = ""] = /^\[?(.*?)\]?:(\d+)$/.exec(peer) ?? [];
    const addresses = await options.resolve(host);
    told(`${peer} by name`, undefined);
    return addresses.map((address) => (address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`));
  };
  const reportOf = async (address: string): Promise<ReplicaReport | undefined> => {
    try {
      const bytes = await options.ask(address, AbortSignal.any([stop.signal, AbortSignal.timeout(ASK_MS)]));
      const report = bytes && readReport(Buffer.from(bytes).toString());
      told(address, report === undefined ? "it sends no report that can be read" : undefined);
      return report;
    } catch (error) {
      told(address, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
  const look = async () => {
    const addresses = await Promise.all(
      options.peers.map((peer) =>
        addressesOf(peer).catch((error: unknown): readonly string[] => {
          told(`${peer} by name`, error instanceof Error ? error.message : String(error));
          return [];
        }),
      ),
    );
    const reports = await Promise.all([...new Set(addresses.flat())].map(reportOf));
    if (stop.signal.aborted) return;
    take(reports.flatMap((report) => (report === undefined || report.replica === options.own ? [] : [report])));
  };
  const take = (reports: readonly ReplicaReport[]) => {
    const now = proxiesByPlugin(reports);
    const changed: string[] = [];
    for (const plugin of new Set([...known.keys(), ...now.keys()])) {
      const [before, after] = [known.get(plugin), now.get(plugin)];
      if (JSON.stringify(before) !== JSON.stringify(after)) changed.push(plugin);
      else if (before !== undefined) now.set(plugin, before);
    }
    known = now;
    if (changed.length > 0) options.onChange(changed.sort());
  };
  const round = () => {
    void look().finally(() => {
      if (!stop.signal.aborted) timer = setTimeout(round, intervalMs).unref();
    });
  };
  if (options.peers.length > 0) round();
  return {
    proxies: (plugin) => known.get(plugin) ?? NONE,
    close() {
      stop.abort();
      clearTimeout(timer);
    },
  };
}

/** A proxy that goes from one replica to another may be told of by both: then it is where it acknowledged. */
function proxiesByPlugin(reports: readonly ReplicaReport[]): Map<string, readonly ReportedProxy[]> {
  const plugins = new Map<string, Map<string, ReportedProxy>>();
  for (const report of reports)
    for (const [plugin, proxies] of Object.entries(report.plugins)) {
      const byKey = plugins.get(plugin) ?? new Map<string, ReportedProxy>();
      plugins.set(plugin, byKey);
      for (const proxy of proxies) if (byKey.get(proxy.key)?.acked !== true) byKey.set(proxy.key, proxy);
    }
  return new Map(
    [...plugins].map(([plugin, byKey]) => [plugin, [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1))]),
  );
}
