import { resolve } from "node:path";
import { DEFAULT_ROOT_NAMESPACE, DEFAULT_TRUST_DOMAIN } from "@weft/control-plane/config";
import { STANDALONE_FILES } from "@weft/control-plane/injection/identity-files";
import { type Diagnostic, formatDiagnostic } from "@weft/control-plane/model/diagnostic";
import { formatObjectRef } from "@weft/control-plane/model/object-ref";
import type { Snapshot } from "@weft/control-plane/model/snapshot";
import { PUBLIC_ROOTS } from "@weft/control-plane/public-roots";
import { createFileSource } from "@weft/control-plane/source/files";
import type { ApplyEvent } from "@weft/control-plane/source/source";
import { rememberedPlugins } from "@weft/control-plane/status/remembered";
import { rememberedRollouts } from "@weft/control-plane/status/remembered-rollout";
import { readStatuses } from "@weft/control-plane/status/writer";
import { createStore, type StoreChange } from "@weft/control-plane/store/store";
import { resourceToJson } from "@weft/control-plane/translate/json";
import { translate } from "@weft/control-plane/translate/translate";
import { stringify } from "yaml";
import { stateFolder } from "../mesh/state-folder.js";

export interface TranslateFlags {
  readonly file: string;
  readonly proxy: string;
  readonly output: "yaml" | "json";
}

/**
 * `weft translate`: what a proxy would get, by the server's own function, without a server. Plugins are as their last
 * status says, without their bytes. Returns the exit code: 1 when something in the folder is wrong.
 */
export async function translateFolder(flags: TranslateFlags): Promise<number> {
  const folder = resolve(flags.file);
  const { snapshot, diagnostics } = await readFolder(folder);
  for (const diagnostic of diagnostics) console.error(formatDiagnostic(diagnostic));
  const key = flags.proxy.includes("/") ? flags.proxy : `default/${flags.proxy}`;
  const workload = snapshot.workloads.get(key);
  if (workload === undefined) {
    const known = [...snapshot.workloads.keys()].sort().join(", ");
    console.error(`no WorkloadEntry ${key} in ${folder}; there are: ${known}`);
    return 1;
  }
  const resources = translate(snapshot, { key, workload }).map((resource) => ({
    type: resource.type,
    name: resource.name,
    version: resource.version,
    ...(resource.bytes === undefined ? { bytes: "not at hand" } : { config: resourceToJson(resource) }),
  }));
  console.log(
    flags.output === "json"
      ? JSON.stringify(resources, undefined, 2)
      : stringify(resources, { aliasDuplicateObjects: false }),
  );
  return diagnostics.some(({ severity }) => severity === "error") ? 1 : 0;
}

/** What the YAML of a folder says. */
export interface FolderContent {
  /** With the plugins as their last status says. */
  readonly snapshot: Snapshot;
  readonly diagnostics: readonly Diagnostic[];
  /** Says in which file and line the object or field of a diagnostic stands. */
  locate(diagnostic: Diagnostic): Diagnostic;
}

export async function readFolder(folder: string): Promise<FolderContent> {
  const store = createStore(
    {
      trustDomain: DEFAULT_TRUST_DOMAIN,
      rootNamespace: DEFAULT_ROOT_NAMESPACE,
      publicRoots: PUBLIC_ROOTS,
      identityFiles: STANDALONE_FILES,
    },
    "",
  );
  const stop = new AbortController();
  let found: readonly Diagnostic[] = [];
  const places = new Map<string, ApplyEvent>();
  const locate = (diagnostic: Diagnostic): Diagnostic => {
    const { object, field, file } = diagnostic;
    const place = object && places.get(formatObjectRef(object));
    if (file !== undefined || place?.file === undefined) return diagnostic;
    const line = (field && place.lineOfField?.(field)) ?? place.line;
    return { ...diagnostic, file: place.file, ...(typeof line === "number" ? { line } : {}) };
  };
  for await (const batch of createFileSource({ folder }).watch(stop.signal)) {
    const changes: StoreChange[] = [];
    for (const event of batch) {
      if (event.kind === "apply") {
        changes.push({ kind: "apply", object: event.object });
        places.set(formatObjectRef(event.ref), event);
      } else if (event.kind === "diagnostics") found = event.diagnostics;
    }
    store.apply(changes);
    if (batch.some((event) => event.kind === "ready")) break;
  }
  stop.abort();
  const { statuses } = await readStatuses(stateFolder(folder).status);
  const reports = rememberedRollouts(statuses);
  /** A version that is on its way to some of the proxies. */
  const shareOf = (key: string) => {
    const { candidate, limit } = reports.get(key) ?? {};
    return candidate === undefined || limit === undefined ? {} : { rollout: { candidate, limit } };
  };
  store.setModules(
    new Map(
      [...rememberedPlugins(statuses)].flatMap(([key, { lastGood }]) =>
        lastGood === undefined ? [] : [[key, { kind: "ready" as const, served: lastGood, ...shareOf(key) }]],
      ),
    ),
  );
  const { snapshot, diagnostics } = store.current;
  return { snapshot, diagnostics: [...found, ...diagnostics.map(locate)], locate };
}
