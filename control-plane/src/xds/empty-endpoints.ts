import { BinaryWriter } from "@bufbuild/protobuf/wire";
import type { Resource } from "../model/resource.js";

/** Number of `ClusterLoadAssignment.cluster_name`. */
const CLUSTER_NAME = 1;

/**
 * A ClusterLoadAssignment without endpoints, for a cluster that has none that we know of. Encoded by hand, so that the
 * protocol steps need no codec.
 */
export function emptyEndpoints(name: string): Resource {
  const bytes = new BinaryWriter()
    .uint32((CLUSTER_NAME << 3) | 2)
    .string(name)
    .finish();
  return { type: "endpoints", name, version: "none", bytes };
}
