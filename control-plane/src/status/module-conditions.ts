import { type ModuleStage, type ModuleState, type ServedPlugin, servedPlugin } from "../model/module-state.js";
import type { Verified } from "../model/verification.js";
import type { ConditionNow } from "./condition.js";

type State = Pick<ConditionNow, "status" | "reason" | "message">;

const STAGES: readonly ModuleStage[] = ["Resolved", "Verified", "Validated"];

/** How far a plugin's module has come: a condition for each of the steps that it passes. */
export function moduleConditions(module: ModuleState | undefined, observedGeneration: string): ConditionNow[] {
  const failedAt = module?.kind === "failed" ? STAGES.indexOf(module.failure.stage) : -1;
  return STAGES.map((type, index) => ({ type, ...stateOf(type, index), observedGeneration }));

  function stateOf(type: ModuleStage, index: number): State {
    if (module?.kind === "ready") return passed(type, module.rollout?.candidate ?? servedPlugin(module));
    if (module?.kind !== "failed" || index > failedAt)
      return { status: "Unknown", reason: "Pending", message: pendingMessage(module) };
    if (index < failedAt) return { status: "True", reason: type, message: "" };
    const { reason, message, nextAttempt } = module.failure;
    const next = nextAttempt === undefined ? "" : `; next attempt at ${nextAttempt}`;
    return { status: "False", reason, message: `${message}${next}` };
  }
}

function pendingMessage(module: ModuleState | undefined): string {
  if (module === undefined) return "nothing is known of the module yet";
  return module.kind === "pending" ? module.message : "an earlier step failed";
}

/** A step that is behind the module may have left something to say. */
function passed(type: ModuleStage, served: ServedPlugin | undefined): State {
  if (type === "Verified" && served !== undefined) return verified(served.verified);
  if (type !== "Validated" || served === undefined) return { status: "True", reason: type, message: "" };
  if (served.unproven !== undefined)
    return { status: "Unknown", reason: "Unproven", message: `${served.unproven}; it is served all the same` };
  const { beyond } = served.verified;
  const cut = beyond.filter((name) => !served.capabilities.includes(name));
  if (cut.length > 0)
    return { status: "True", reason: "CapabilitiesCut", message: `MeshConfig lets it not call ${cut.join(", ")}` };
  const message = beyond.length === 0 ? "" : `MeshConfig does not allow ${beyond.join(", ")}, and its mode is warn`;
  return { status: "True", reason: type, message };
}

function verified({ keys, warnings }: Verified): State {
  const signed = keys.length === 0 ? "" : `signed by key ${keys.join(", ")}`;
  const [first] = warnings;
  if (first === undefined) return { status: "True", reason: "Verified", message: signed };
  const message = [...warnings.map((warning) => warning.message), signed, "it is served all the same"];
  return { status: "False", reason: first.reason, message: message.filter((part) => part !== "").join("; ") };
}
