import { formatSpiffeId } from "./spiffe-id.js";

/** The service account that the control plane runs as. */
export const CONTROL_PLANE = { namespace: "weft-system", serviceAccount: "weft-control-plane" } as const;

/** The SPIFFE id by which sidecars know the control plane. */
export function controlPlaneSpiffeId(trustDomain: string): string {
  return formatSpiffeId({ trustDomain, ...CONTROL_PLANE });
}
