/** How callers choose between localities. Absent parts of Istio's setting are `failover` without redirections. */
export type LocalityBalancing =
  | { readonly kind: "off" }
  /** To the nearest locality that has healthy endpoints. Acts only with outlier detection, which finds the others. */
  | { readonly kind: "failover"; readonly regions: readonly RegionFailover[] }
  /** To the endpoints that have most of these labels in common with the caller, in order. Likewise. */
  | { readonly kind: "labels"; readonly priority: readonly LabelPriority[] }
  /** By fixed shares. */
  | { readonly kind: "distribute"; readonly rules: readonly Distribution[] };

/** Callers of a region that has nothing healthy go to another one before all others. */
export interface RegionFailover {
  readonly from: string;
  readonly to: string;
}

/** A label, and perhaps the value that is wanted in the place of the caller's own. */
export interface LabelPriority {
  readonly label: string;
  readonly value?: string;
}

export interface Distribution {
  /** Patterns of localities, see `matchesLocality`. */
  readonly from: string;
  readonly to: readonly { readonly locality: string; readonly percent: number }[];
}
