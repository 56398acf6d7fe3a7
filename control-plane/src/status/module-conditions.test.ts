import { expect, it } from "vitest";
import { mkServed, ready } from "../../../test/builders.js";
import type { ModuleState, ServedPlugin } from "../model/module-state.js";
import { moduleConditions } from "./module-conditions.js";

const verified = (over: Partial<ServedPlugin["verified"]>) => ({
  verified: { keys: [], warnings: [], beyond: [], ...over },
});
const warnings = [{ reason: "NoSignature", message: "no signature" }];

/** `Verified=True Verified: message` of one condition. */
const say = (type: string, module: ModuleState | undefined) => {
  const found = moduleConditions(module, "7").find((condition) => condition.type === type);
  expect(found?.observedGeneration).toBe("7");
  return `${found?.status} ${found?.reason}: ${found?.message}`;
};

it.each<[string, string, Partial<ServedPlugin>, string]>([
  ["Resolved", "of a plain plugin", {}, "True Resolved: "],
  ["Verified", "of a plain plugin", {}, "True Verified: "],
  ["Verified", "of a signed plugin", verified({ keys: ["a", "b"] }), "True Verified: signed by key a, b"],
  [
    "Verified",
    "of what a policy warns of",
    verified({ warnings }),
    "False NoSignature: no signature; it is served all the same",
  ],
  [
    "Verified",
    "of what is signed by one of two",
    verified({ warnings, keys: ["a"] }),
    "False NoSignature: no signature; signed by key a; it is served all the same",
  ],
  ["Validated", "of a plain plugin", {}, "True Validated: "],
  [
    "Validated",
    "of a plugin that could not be run",
    { unproven: "old engine" },
    "Unknown Unproven: old engine; it is served all the same",
  ],
  [
    "Validated",
    "of a plugin with less than it wants",
    { ...verified({ beyond: ["proxy_log"] }), capabilities: ["proxy_done"] },
    "True CapabilitiesCut: MeshConfig lets it not call proxy_log",
  ],
  [
    "Validated",
    "of a plugin with more than it should have",
    { ...verified({ beyond: ["proxy_log"] }), capabilities: ["proxy_log"] },
    "True Validated: MeshConfig does not allow proxy_log, and its mode is warn",
  ],
])("%s %s", (type, _name, over, expected) => {
  expect(say(type, ready("p", over))).toBe(expected);
});

it("are of the version on its way, while there is one", () => {
  const candidate = mkServed("p", { unproven: "old engine" });
  expect(say("Validated", { ...ready("p"), rollout: { candidate, limit: 10 } })).toMatch(/^Unknown/);
});

it.each<[ModuleState | undefined, readonly string[]]>([
  [undefined, ["Unknown", "Unknown", "Unknown"]],
  [{ kind: "pending", message: "m" }, ["Unknown", "Unknown", "Unknown"]],
  [{ kind: "failed", failure: { stage: "Resolved", reason: "R", message: "m" } }, ["False", "Unknown", "Unknown"]],
  [{ kind: "failed", failure: { stage: "Verified", reason: "R", message: "m" } }, ["True", "False", "Unknown"]],
  [{ kind: "failed", failure: { stage: "Validated", reason: "R", message: "m" } }, ["True", "True", "False"]],
])("%j: %j", (module, expected) => {
  expect(moduleConditions(module, "1").map(({ status }) => status)).toEqual(expected);
});
