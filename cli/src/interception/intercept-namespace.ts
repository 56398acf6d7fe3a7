import type { InterceptionRules } from "@weft/control-plane/injection/interception-rules";
import { InterceptionError } from "./interception-error.js";
import {
  type Backend,
  chooseBackend,
  type Family,
  findIptables,
  hasIpv6,
  type Iptables,
  missingIptables,
} from "./iptables.js";
import { changeLoopbackAddress, hasLoopbackAddress } from "./loopback-address.js";
import { differences, ownRules, parseRuleSet, type RuleSet, transition } from "./rule-set.js";

export interface NamespaceOptions {
  readonly backend: Backend | "auto";
  /** Leave IPv6 alone. */
  readonly ipv4Only: boolean;
}

/** What was found, or done, for one family of addresses. */
export interface FamilyResult {
  readonly family: Family;
  readonly backend?: Backend;
  /** Whether the rules were written; false where they were as wanted already. */
  readonly changed: boolean;
  /** How what is in force differs from what is wanted; after writing, none. */
  readonly differences: readonly string[];
  /** Why nothing was done. */
  readonly skipped?: string;
  /** What does not work all the same. */
  readonly note?: string;
}

const FAMILIES: readonly Family[] = ["ipv4", "ipv6"];
const NOTHING: RuleSet = new Map();

/** Makes the rules be in force in this process's network namespace, exactly and once, and looks that they are. */
export function applyInterception(rules: InterceptionRules, options: NamespaceOptions): Promise<FamilyResult[]> {
  return forFamilies(options, async (family, found) => {
    const text = rules[family];
    const tool = await chosen(family, found, text, options.backend);
    const wanted = parseRuleSet(text);
    // Both ways are in force at once: what an earlier run left in the other one must go.
    const others = found.filter((other) => other !== tool);
    const removed = await Promise.all(others.map((other) => become(other, NOTHING)));
    const changed = await become(tool, wanted);
    const failure = family === "ipv6" && !hasLoopbackAddress() ? await changeLoopbackAddress("add") : undefined;
    const left = await differencesOf(tool, wanted, others);
    if (left.length > 0)
      throw new InterceptionError(
        "not-in-force",
        `${tool.family} by ${tool.backend}: the rules were written, but are not in force:\n${left.join("\n")}`,
      );
    return {
      family,
      backend: tool.backend,
      changed: changed || removed.includes(true),
      differences: [],
      ...noteOf(failure),
    };
  });
}

/** Tells whether exactly the rules are in force. Nothing changes. */
export function checkInterception(rules: InterceptionRules, options: NamespaceOptions): Promise<FamilyResult[]> {
  return forFamilies(options, async (family, found) => {
    const tool = await chosen(family, found, rules[family], options.backend);
    const others = found.filter((other) => other !== tool);
    const lines = await differencesOf(tool, parseRuleSet(rules[family]), others);
    if (family === "ipv6" && !hasLoopbackAddress()) lines.push(MISSING_ADDRESS);
    return { family, backend: tool.backend, changed: false, differences: lines };
  });
}

/** Removes all rules and chains of ours, whichever way they came; nothing else changes. */
export function undoInterception(options: NamespaceOptions): Promise<FamilyResult[]> {
  return forFamilies(options, async (family, found) => {
    const changed = await Promise.all(found.map((tool) => become(tool, NOTHING)));
    if (family === "ipv6" && changed.includes(true) && hasLoopbackAddress()) await changeLoopbackAddress("del");
    const left = (await Promise.all(found.map((tool) => differencesOf(tool, NOTHING, [])))).flat();
    if (left.length > 0)
      throw new InterceptionError("not-in-force", `${family}: the rules are still there:\n${left.join("\n")}`);
    return { family, changed: changed.includes(true), differences: [] };
  });
}

const MISSING_ADDRESS = "- the address ::6 on lo, from which the sidecar calls its app by IPv6";

function noteOf(failure: string | undefined): Pick<FamilyResult, "note"> {
  return failure === undefined
    ? {}
    : { note: `what arrives cannot be passed on: ${MISSING_ADDRESS.slice(2)}: ${failure}` };
}

async function forFamilies(
  { backend, ipv4Only }: NamespaceOptions,
  act: (family: Family, found: readonly Iptables[]) => Promise<FamilyResult>,
): Promise<FamilyResult[]> {
  const results: FamilyResult[] = [];
  for (const family of FAMILIES) {
    const skip = (skipped: string) => results.push({ family, changed: false, differences: [], skipped });
    if (family === "ipv6" && ipv4Only) skip("left alone, as asked for");
    else if (family === "ipv6" && !hasIpv6()) skip("the kernel speaks no IPv6 here");
    else {
      const found = findIptables(family);
      if (found.length === 0) throw missingIptables(family, backend);
      results.push(await act(family, found));
    }
  }
  return results;
}

async function chosen(
  family: Family,
  found: readonly Iptables[],
  text: string,
  backend: Backend | "auto",
): Promise<Iptables> {
  const tool = backend === "auto" ? await chooseBackend(found, text) : found.find((one) => one.backend === backend);
  if (tool === undefined) throw missingIptables(family, backend);
  return tool;
}

/** Whether something had to change. */
async function become(tool: Iptables, wanted: RuleSet): Promise<boolean> {
  const current = await tool.read();
  const text = transition(current, wanted);
  if (text === undefined) return false;
  await tool.restore(text);
  return true;
}

async function differencesOf(tool: Iptables, wanted: RuleSet, others: readonly Iptables[]): Promise<string[]> {
  const strays = await Promise.all(
    others.map(async (other) =>
      [...ownRules(await other.read()).keys()].map((table) => `+ ${table} has our rules by ${other.backend} too`),
    ),
  );
  return [...differences(await tool.read(), wanted), ...strays.flat()];
}
