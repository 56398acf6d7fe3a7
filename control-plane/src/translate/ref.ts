import type { ResourceType } from "../model/resource.js";

/**
 * Names one resource that can be built. Proxies that hold the same ref share its bytes, so `variant` says all that
 * the content depends on beyond the name and the snapshot; "" where the name says it all.
 */
export interface Ref {
  readonly type: ResourceType;
  /** The name on the wire. */
  readonly name: string;
  readonly variant: string;
}

/** Refs by type and name. */
export type RefTable = ReadonlyMap<ResourceType, ReadonlyMap<string, Ref>>;

export function refTable(refs: Iterable<Ref>): RefTable {
  const table = new Map<ResourceType, Map<string, Ref>>();
  for (const ref of refs) {
    const ofType = table.get(ref.type);
    if (ofType === undefined) table.set(ref.type, new Map([[ref.name, ref]]));
    else ofType.set(ref.name, ref);
  }
  return table;
}

/** A text that is equal for equal refs. */
export function refId(ref: Ref): string {
  return `${ref.type}\n${ref.name}\n${ref.variant}`;
}

/** A plugin in a slot. */
export interface SlotEntry {
  readonly key: string;
  /** Whether it is the version on its way to the proxies, and not the one in force. */
  readonly candidate: boolean;
}

/** No name of Kubernetes has it. */
const CANDIDATE_MARK = "+";

/** The policies of a slot. */
export interface SlotPolicies {
  /** In the order of namespaces and names; of one kind, which the slot's phase says. */
  readonly keys: readonly string[];
  /** The port of the workload that the slot is for, where one of them asks for it. */
  readonly appPort?: number;
}

const NO_POLICIES: SlotPolicies = { keys: [] };

/** The variant of a slot with these plugins, in order, behind these policies. */
export function slotVariant(entries: readonly SlotEntry[], { keys, appPort }: SlotPolicies = NO_POLICIES): string {
  const plugins = entries.map(({ key, candidate }) => `${key}${candidate ? CANDIDATE_MARK : ""}`).join(",");
  if (keys.length === 0) return plugins;
  return `${keys.join(",")}${appPort === undefined ? "" : `@${appPort}`};${plugins}`;
}

/** What a slot's variant says of policies. */
export function slotPolicies({ variant }: Ref): SlotPolicies {
  const end = variant.indexOf(";");
  if (end < 0) return NO_POLICIES;
  const [keys = "", appPort] = variant.slice(0, end).split("@");
  return { keys: keys.split(","), ...(appPort === undefined ? {} : { appPort: Number(appPort) }) };
}

/** What a slot's variant says of plugins. */
export function slotEntries(ref: Ref): readonly SlotEntry[] {
  const plugins = ref.variant.slice(ref.variant.indexOf(";") + 1);
  if (plugins === "") return [];
  return plugins.split(",").map((text) => {
    const candidate = text.endsWith(CANDIDATE_MARK);
    return { key: candidate ? text.slice(0, -CANDIDATE_MARK.length) : text, candidate };
  });
}
