import { loadVerificationKey, RegistryError, type VerificationKey } from "@weft/registry";
import { compareStrings } from "../model/compare.js";
import type { Plugin } from "../model/plugin.js";
import type { PolicyWarning } from "../model/verification.js";
import type { ModuleProblem } from "./module-problem.js";
import type { ModuleSource } from "./module-source.js";
import type { KeyText, PolicyInputs } from "./policy-inputs.js";
import { referenceProblems } from "./reference-policy.js";
import type { RegistryAccess } from "./registry-access.js";
import { brokenRules, type SignatureRule, signatureRules, signersOf } from "./signature-rules.js";

/** What the policies want of one plugin's image, with its keys read. */
export interface ModulePolicy {
  readonly rules: readonly SignatureRule[];
  /** What is wrong with how the image is named; enforced, nothing is asked of the registry at all. */
  readonly reference: readonly ModuleProblem[];
  readonly enforced: boolean;
}

export type PolicyResult =
  | { readonly ok: true; readonly policy: ModulePolicy }
  | { readonly ok: false; readonly problem: ModuleProblem };

export function modulePolicy(plugin: Plugin, { mesh, meshName, ownKeys, meshKeys }: PolicyInputs): PolicyResult {
  try {
    const keys = { own: ownKeys.map(readKey), mesh: meshKeys.map(readKey) };
    return {
      ok: true,
      policy: {
        rules: signatureRules(plugin, mesh, meshName, keys),
        reference: referenceProblems(plugin, mesh, meshName),
        enforced: mesh.mode === "enforce",
      },
    };
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return { ok: false, problem: { reason: "InvalidKey", message: error.message } };
  }
}

function readKey({ pem, name }: KeyText): VerificationKey {
  return loadVerificationKey(pem, name);
}

export type VerifyResult =
  | { readonly ok: true; readonly keys: readonly string[]; readonly warnings: readonly PolicyWarning[] }
  | { readonly ok: false; readonly problem: ModuleProblem };

/**
 * Whether an image is signed as the rules want. `signers` are keys that are known to have signed it: who signed a digest
 * stays its signer, so the registry is asked only where they are not enough.
 */
export async function verifyModule(
  plugin: Plugin,
  digest: string,
  { rules, reference }: ModulePolicy,
  signers: readonly string[],
  source: Pick<ModuleSource, "verify">,
  access: RegistryAccess,
  signal: AbortSignal,
): Promise<VerifyResult> {
  const keys = new Set(signers);
  let problems: readonly string[] = [];
  const candidates = rules.flatMap((rule) => rule.keys);
  if (candidates.length > 0 && brokenRules(rules, { keys, problems }).length > 0) {
    const found = signersOf(await source.verify(plugin, digest, candidates, access, signal));
    for (const key of found.keys) keys.add(key);
    problems = found.problems;
  }
  const broken = brokenRules(rules, { keys, problems });
  const [worst] = broken;
  if (worst?.enforced) return { ok: false, problem: { reason: worst.reason, message: worst.message } };
  const trusted = new Set(candidates.map(({ hint }) => hint));
  return {
    ok: true,
    keys: [...keys].filter((key) => trusted.has(key)).sort(compareStrings),
    warnings: [...reference, ...broken].map(({ reason, message }) => ({ reason, message })),
  };
}
