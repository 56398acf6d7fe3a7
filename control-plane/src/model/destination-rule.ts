import type { Labels } from "./selector.js";

/** A named part of a service's workloads. */
export interface Subset {
  readonly name: string;
  readonly labels: Labels;
}

/** A DestinationRule; of its fields the subsets are read so far. */
export interface DestinationRule {
  readonly namespace: string;
  readonly name: string;
  /** Resolved to a full name. */
  readonly host: string;
  readonly subsets: readonly Subset[];
}
