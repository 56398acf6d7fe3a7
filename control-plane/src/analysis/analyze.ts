import type { Diagnostic } from "../model/diagnostic.js";
import type { Snapshot } from "../model/snapshot.js";
import { idleAttachments } from "./idle-attachments.js";
import { idleServices } from "./idle-services.js";
import { idleSubsets } from "./idle-subsets.js";
import { plaintextOnly } from "./plaintext-only.js";
import { shadowedRoutes } from "./shadowed-routes.js";

/**
 * What of a mesh is right in itself and does nothing, or something else than it seems to. What is wrong in an object, or
 * in what it names, the store says already. All are warnings: a workload that is named may come later.
 */
export function analyze(snapshot: Snapshot): readonly Diagnostic[] {
  return [
    ...shadowedRoutes(snapshot),
    ...idleSubsets(snapshot),
    ...idleServices(snapshot),
    ...idleAttachments(snapshot),
    ...plaintextOnly(snapshot),
  ];
}
