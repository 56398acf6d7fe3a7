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

/** The variant of a slot with these plugins, in order. */
export function slotVariant(entries: readonly SlotEntry[]): string {
  return entries.map(({ key, candidate }) => `${key}${candidate ? CANDIDATE_MARK : ""}`).join(",");
}

/** What a slot's variant says. */
export function slotEntries(ref: Ref): readonly SlotEntry[] {
  if (ref.variant === "") return [];
  return ref.variant.split(",").map((text) => {
    const candidate = text.endsWith(CANDIDATE_MARK);
    return { key: candidate ? text.slice(0, -CANDIDATE_MARK.length) : text, candidate };
  });
}
