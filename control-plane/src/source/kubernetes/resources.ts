import { KINDS, type KindDefinition } from "../../decode/kinds.js";
import type { ServedKind } from "./discovery.js";

/** A resource that is followed, in the one version that is read. */
export interface WatchedResource {
  readonly definition: KindDefinition;
  readonly apiVersion: string;
  readonly path: string;
  readonly fieldSelector?: string;
  readonly metadataOnly: boolean;
}

/** Plural names of the core group, which discovery need not be asked for. */
const CORE: Readonly<Partial<Record<KindDefinition["kind"], string>>> = {
  Service: "services",
  Pod: "pods",
  Node: "nodes",
};

/** Pods that have ended stay for long, and are nobody any more. */
const SELECTORS: Readonly<Partial<Record<KindDefinition["kind"], string>>> = {
  Pod: "status.phase!=Succeeded,status.phase!=Failed",
};

/** Of these labels are enough. */
const METADATA_ONLY: ReadonlySet<KindDefinition["kind"]> = new Set(["Node"]);

/** Of the kinds that the mesh reads those that the API server has, each in the newest version that both know. */
export function watchedResources(served: readonly ServedKind[]): readonly WatchedResource[] {
  return KINDS.flatMap((definition) => {
    const { kind, group, versions } = definition;
    const found =
      group === ""
        ? { version: versions[0] ?? "", resource: CORE[kind] }
        : versions
            .map((version) => served.find((s) => s.group === group && s.kind === kind && s.version === version))
            .find((s) => s !== undefined);
    if (found?.resource === undefined) return [];
    const { version, resource } = found;
    const apiVersion = group === "" ? version : `${group}/${version}`;
    const path = group === "" ? `/api/${version}/${resource}` : `/apis/${apiVersion}/${resource}`;
    const fieldSelector = SELECTORS[kind];
    return [
      {
        definition,
        apiVersion,
        path,
        metadataOnly: METADATA_ONLY.has(kind),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
      },
    ];
  });
}
