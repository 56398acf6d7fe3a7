import { parseReference, type Verification, type VerificationKey } from "@weft/registry";
import type { PluginPolicy } from "../model/mesh-config.js";
import type { Plugin } from "../model/plugin.js";
import type { PolicyWarning } from "../model/verification.js";
import { matchesGlob } from "./glob.js";
import type { ModuleProblem } from "./module-problem.js";

/** Somebody who wants an image to be signed. Each rule must be kept on its own; one of its keys is enough. */
export interface SignatureRule {
  /** Who, for messages. */
  readonly source: string;
  readonly keys: readonly VerificationKey[];
  /** Else a plugin that breaks it is served, and its status says so. */
  readonly enforced: boolean;
}

export interface RuleKeys {
  readonly own: readonly VerificationKey[];
  readonly mesh: readonly VerificationKey[];
}

/** The rules about a plugin's signature. A plugin's own keys never do instead of those that the mesh asks for. */
export function signatureRules(
  { verification, url }: Pick<Plugin, "verification" | "url">,
  { verification: ofMesh, mode }: Pick<PluginPolicy, "verification" | "mode">,
  meshName: string,
  keys: RuleKeys,
): readonly SignatureRule[] {
  const rules: SignatureRule[] = [];
  if (verification !== undefined)
    rules.push({
      source: "spec.verification",
      keys: verification.keys.length > 0 ? keys.own : keys.mesh,
      enforced: verification.required,
    });
  const { repositories } = ofMesh;
  const concerned = repositories.length === 0 || repositories.some((glob) => matchesGlob(glob, repositoryOf(url)));
  if (ofMesh.required && concerned) rules.push({ source: meshName, keys: keys.mesh, enforced: mode === "enforce" });
  return rules;
}

/** What the rules have against an image, the enforced ones first. */
export function brokenRules(
  rules: readonly SignatureRule[],
  { keys, problems }: { readonly keys: ReadonlySet<string>; readonly problems: readonly string[] },
): readonly (ModuleProblem & { readonly enforced: boolean })[] {
  return rules
    .filter((rule) => !rule.keys.some(({ hint }) => keys.has(hint)))
    .map((rule) => ({ ...explain(rule, problems), enforced: rule.enforced }))
    .sort((a, b) => Number(b.enforced) - Number(a.enforced));
}

function explain({ source, keys }: SignatureRule, problems: readonly string[]): PolicyWarning {
  if (keys.length === 0)
    return {
      reason: "NoKeys",
      message: `${source} wants a signature, and there are no keys to check it with; add keys`,
    };
  const remedy = "sign it with: weft plugin sign";
  if (problems.length === 0)
    return { reason: "NoSignature", message: `${source} wants a signature, and the image has none; ${remedy}` };
  return {
    reason: "UnknownKey",
    message: `${source} wants a signature by one of its ${keys.length} keys, and none of the image's is: ${problems.slice(0, 5).join("; ")}; ${remedy}, or add the key`,
  };
}

/** What a check of signatures found, with what was known before. */
export function signersOf(verification: Verification): { keys: readonly string[]; problems: readonly string[] } {
  return verification.ok
    ? { keys: verification.signatures.map(({ key }) => key), problems: ["another key signed it"] }
    : { keys: [], problems: verification.problems };
}

/** `registry/repository` of an image; a file as it is named. */
export function repositoryOf(url: string): string {
  if (url.startsWith("file://")) return url;
  const { registry, repository } = parseReference(url);
  return `${registry}/${repository}`;
}
