import type { Diagnostic } from "./model/diagnostic.js";
import { formatDiagnostic } from "./model/diagnostic.js";
import type { ObjectRef } from "./model/object-ref.js";
import type { Snapshot } from "./model/snapshot.js";
import type { ApplyEvent, SourceBatch } from "./source/source.js";
import { statusKey } from "./status/document.js";
import type { ProxyCounts } from "./status/plugin-status.js";
import type { ProxySlots } from "./status/proxy-counts.js";
import { createProxyTally } from "./status/proxy-tally.js";
import type { StatusesInput } from "./status/statuses.js";

/** What a status says that is another since it was collected last. */
export interface StatusChanges extends Omit<StatusesInput, "previous" | "now"> {
  /** Whether these are all that there are. */
  readonly isAll: boolean;
  /** Objects that have no status any more. */
  readonly gone: readonly ObjectRef[];
}

/** What one proxy says that a status has. */
export interface ProxyReport {
  readonly slots: ProxySlots;
  /** What it refuses, of what no plugin's status tells. */
  readonly refusals: readonly Diagnostic[];
}

export interface MeshStatusOptions {
  readonly snapshot: () => Pick<Snapshot, "plugins" | "modules">;
  /** The same list until something changes. */
  readonly storeDiagnostics: () => readonly Diagnostic[];
  /** Undefined when the proxy is not connected. */
  readonly proxy: (proxyKey: string) => ProxyReport | undefined;
  /** Proxies of a plugin that are connected to other replicas of the control plane. */
  readonly remote: (pluginKey: string) => ProxyCounts;
  readonly rejected: StatusesInput["rejected"];
  readonly rollout: StatusesInput["rollout"];
  /** All that is wrong now, whenever that is something else. */
  readonly onDiagnostics: (now: readonly Diagnostic[]) => void;
}

/** Knows what the statuses of all objects come from, and which of them are others now. */
export interface MeshStatus {
  readonly objects: ReadonlyMap<string, ApplyEvent>;
  /** Takes what the source says of objects, and of what is wrong with its files. */
  take(batch: SourceBatch): void;
  /** A proxy came, went, answered, or should have something else. */
  proxyChanged(proxyKey: string): void;
  counts(pluginKey: string): ProxyCounts;
  diagnostics(): readonly Diagnostic[];
  /** What changed since the last time; that is forgotten with it. Work is by what changed, and a glance at each plugin. */
  collect(): StatusChanges;
}

/** What a plugin's status comes from, beside what is wrong with the object. */
type PluginInputs = readonly unknown[];

export function createMeshStatus(options: MeshStatusOptions): MeshStatus {
  const objects = new Map<string, ApplyEvent>();
  const tally = createProxyTally();
  const changedProxies = new Set<string>();
  const refusals = new Map<string, readonly Diagnostic[]>();
  /** Keys of objects whose status is another. */
  const changed = new Set<string>();
  /** The objects that have a status. */
  const known = new Map<string, ObjectRef>();
  const pluginInputs = new Map<string, PluginInputs>();
  let sourceDiagnostics: readonly Diagnostic[] = [];
  let refused: readonly Diagnostic[] = [];
  let isFirst = true;
  let problems: ReadonlyMap<string, readonly Diagnostic[]> = new Map();
  let all: readonly Diagnostic[] = [];
  /** What `all` and `problems` were made of. */
  let made: readonly unknown[] = [];

  /** Says where an object that another part found fault with stands. */
  const locate = (diagnostic: Diagnostic): Diagnostic => {
    const event = diagnostic.object && objects.get(statusKey(diagnostic.object));
    if (event?.file === undefined) return diagnostic;
    const line = (diagnostic.field && event.lineOfField?.(diagnostic.field)) ?? event.line;
    return { ...diagnostic, file: event.file, ...(typeof line === "number" ? { line } : {}) };
  };

  const readProxies = () => {
    let isOther = false;
    for (const proxyKey of changedProxies) {
      const report = options.proxy(proxyKey);
      tally.update(proxyKey, report?.slots);
      const before = refusals.get(proxyKey) ?? [];
      const now = report?.refusals ?? [];
      if (textOf(before) === textOf(now)) continue;
      isOther = true;
      if (now.length === 0) refusals.delete(proxyKey);
      else refusals.set(proxyKey, now);
    }
    changedProxies.clear();
    if (isOther) refused = [...refusals].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, list]) => list);
  };

  const readProblems = () => {
    readProxies();
    const from = [sourceDiagnostics, options.storeDiagnostics(), refused] as const;
    if (from.every((list, index) => list === made[index])) return;
    made = from;
    all = [...from[0], ...[...from[1], ...from[2]].map(locate)];
    const now = problemsOf(objects, all);
    for (const key of new Set([...problems.keys(), ...now.keys()]))
      if (textOf(problems.get(key) ?? []) !== textOf(now.get(key) ?? [])) changed.add(key);
    problems = now;
    options.onDiagnostics(all);
  };

  const countsOf = (key: string): ProxyCounts => sum(tally.counts(key), options.remote(key));

  /** Plugins are few, and much of what their status says changes without them. */
  const readPlugins = () => {
    const { plugins, modules } = options.snapshot();
    for (const [key, plugin] of plugins) {
      const rejected = options.rejected(key);
      const last = rejected.at(-1)?.version;
      const { candidate, ...rollout } = options.rollout(key) ?? {};
      const told = JSON.stringify(rollout);
      const remote = JSON.stringify(options.remote(key));
      const inputs = [plugin, modules.get(key), rejected.length, last, tally.counts(key), remote, candidate, told];
      if (inputs.every((input, index) => input === pluginInputs.get(key)?.[index])) continue;
      pluginInputs.set(key, inputs);
      changed.add(`WasmPlugin ${key}`);
    }
    for (const key of pluginInputs.keys()) if (!plugins.has(key)) pluginInputs.delete(key);
  };

  return {
    objects,
    take(batch) {
      for (const event of batch) {
        if (event.kind === "apply") objects.set(statusKey(event.ref), event);
        else if (event.kind === "delete") objects.delete(statusKey(event.ref));
        else if (event.kind === "diagnostics") sourceDiagnostics = event.diagnostics;
        if (event.kind === "apply" || event.kind === "delete") changed.add(statusKey(event.ref));
      }
      // Objects may stand elsewhere now.
      made = [];
    },
    proxyChanged: (proxyKey) => void changedProxies.add(proxyKey),
    counts(plugin) {
      readProxies();
      return countsOf(plugin);
    },
    diagnostics() {
      readProblems();
      return all;
    },
    collect() {
      readProblems();
      readPlugins();
      const keys = [...changed];
      changed.clear();
      const found = keys.flatMap((key) => objects.get(key) ?? []);
      // One that is about a file is about each object in it.
      const wrong = [...new Set(keys.flatMap((key) => problems.get(key) ?? []))];
      const gone: ObjectRef[] = [];
      for (const key of keys) {
        const ref = objects.get(key)?.ref ?? problems.get(key)?.find(({ object }) => object !== undefined)?.object;
        const before = known.get(key);
        if (ref !== undefined) known.set(key, ref);
        else if (before !== undefined && known.delete(key)) gone.push(before);
      }
      const isAll = isFirst;
      isFirst = false;
      const { plugins, modules } = options.snapshot();
      const { rejected, rollout } = options;
      return { isAll, gone, objects: found, diagnostics: wrong, plugins, modules, rejected, counts: countsOf, rollout };
    },
  };
}

function sum(local: ProxyCounts, remote: ProxyCounts): ProxyCounts {
  const lastError = local.lastError ?? remote.lastError;
  return {
    matched: local.matched + remote.matched,
    acked: local.acked + remote.acked,
    rejected: local.rejected + remote.rejected,
    ...(lastError === undefined ? {} : { lastError }),
  };
}

/** What is wrong, by the object that it is about. A file that cannot be read concerns those of it that are in force. */
function problemsOf(
  objects: ReadonlyMap<string, ApplyEvent>,
  diagnostics: readonly Diagnostic[],
): ReadonlyMap<string, readonly Diagnostic[]> {
  const problems = new Map<string, Diagnostic[]>();
  const add = (key: string, diagnostic: Diagnostic) => {
    const list = problems.get(key);
    if (list === undefined) problems.set(key, [diagnostic]);
    else list.push(diagnostic);
  };
  const ofFiles = new Map<string, Diagnostic[]>();
  for (const diagnostic of diagnostics) {
    if (diagnostic.object !== undefined) add(statusKey(diagnostic.object), diagnostic);
    else if (diagnostic.file !== undefined)
      ofFiles.set(diagnostic.file, [...(ofFiles.get(diagnostic.file) ?? []), diagnostic]);
  }
  if (ofFiles.size > 0)
    for (const [key, { file }] of objects)
      for (const diagnostic of (file !== undefined && ofFiles.get(file)) || []) add(key, diagnostic);
  return problems;
}

function textOf(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map(formatDiagnostic).join("\n");
}
