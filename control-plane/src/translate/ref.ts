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

/** The plugins of a slot, in order: its variant. */
export function slotPlugins(ref: Ref): readonly string[] {
  return ref.variant === "" ? [] : ref.variant.split(",");
}
