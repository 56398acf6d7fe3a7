import { CHAIN_PREFIX } from "@weft/control-plane/injection/interception-rules";

/** What a table has, as `iptables-save` prints it and `iptables-restore` reads it. */
export interface RuleTable {
  /** In the order of the text; with those of others. */
  readonly chains: readonly string[];
  /** Without `-A `. */
  readonly rules: readonly string[];
}

export type RuleSet = ReadonlyMap<string, RuleTable>;

/** Reads what `iptables-save` prints. Comments and counters are left out. */
export function parseRuleSet(text: string): RuleSet {
  const tables = new Map<string, { chains: string[]; rules: string[] }>();
  let table: { chains: string[]; rules: string[] } | undefined;
  for (const line of text.split("\n")) {
    if (line.startsWith("*")) {
      table = { chains: [], rules: [] };
      tables.set(line.slice(1).trim(), table);
    } else if (line.startsWith(":")) table?.chains.push(line.slice(1).split(" ")[0] ?? "");
    else if (line.startsWith("-A ")) table?.rules.push(line.slice(3).trim());
  }
  return tables;
}

/** The part of a rule set that is ours: our chains, and the jumps to them. Tables without such are left out. */
export function ownRules(set: RuleSet): RuleSet {
  const own = new Map<string, RuleTable>();
  for (const [name, { chains, rules }] of set) {
    const ownChains = chains.filter(isOwn);
    if (ownChains.length > 0) own.set(name, { chains: ownChains, rules: rules.filter(isOwnRule) });
  }
  return own;
}

function isOwn(chain: string): boolean {
  return chain.startsWith(CHAIN_PREFIX);
}

function isOwnRule(rule: string): boolean {
  return isOwn(rule) || isOwn(/ -[jg] (\S+)/.exec(rule)?.[1] ?? "");
}

function isJump(rule: string): boolean {
  return !isOwn(rule);
}

/** How what is in force differs from what is wanted, as lines with `+` (too much) and `-` (missing); of ours only. */
export function differences(current: RuleSet, wanted: RuleSet): string[] {
  const lines: string[] = [];
  for (const table of tablesOf(current, wanted)) {
    const [is, should] = [sections(current.get(table)), sections(wanted.get(table))];
    for (const chain of new Set([...should.keys(), ...is.keys()])) {
      const [rules, expected] = [is.get(chain), should.get(chain)];
      if (rules?.join("\n") === expected?.join("\n")) continue;
      if (rules === undefined) lines.push(`- ${table} ${chain} is missing`);
      else if (expected === undefined) lines.push(`+ ${table} ${chain} is not wanted`);
      else {
        const [missing, extra] = [
          expected.filter((r) => !rules.includes(r)),
          rules.filter((r) => !expected.includes(r)),
        ];
        lines.push(...missing.map((rule) => `- ${table} ${rule}`), ...extra.map((rule) => `+ ${table} ${rule}`));
        if (missing.length + extra.length === 0)
          lines.push(`- ${table} ${chain} has its rules in another order or twice`);
      }
    }
  }
  return lines;
}

/** Our rules by chain. The jumps from chains of others count as rules of those. */
function sections(table: RuleTable | undefined): Map<string, string[]> {
  const byChain = new Map<string, string[]>();
  for (const chain of table?.chains ?? []) if (isOwn(chain)) byChain.set(chain, []);
  for (const rule of table?.rules ?? []) {
    if (!isOwnRule(rule)) continue;
    const chain = rule.split(" ")[0] ?? "";
    byChain.set(chain, [...(byChain.get(chain) ?? []), rule]);
  }
  return byChain;
}

/**
 * The input of `iptables-restore --noflush` that makes of what is there exactly what is wanted, in one step for each
 * table, and touches nothing of others; undefined where nothing is to be done. Nothing wanted removes all of ours.
 */
export function transition(current: RuleSet, wanted: RuleSet): string | undefined {
  const tables = tablesOf(ownRules(current), wanted).map((name) => {
    const is = ownRules(current).get(name) ?? { chains: [], rules: [] };
    const should = wanted.get(name) ?? { chains: [], rules: [] };
    const stale = is.chains.filter((chain) => !should.chains.includes(chain));
    const lines = [
      `*${name}`,
      // Naming a chain of ours that is there empties it.
      ...should.chains.map((chain) => `:${chain} - [0:0]`),
      ...is.rules.filter(isJump).map((rule) => `-D ${rule}`),
      ...stale.map((chain) => `-F ${chain}`),
      ...stale.map((chain) => `-X ${chain}`),
      ...should.rules.map((rule) => `-A ${rule}`),
      "COMMIT",
    ];
    return `${lines.join("\n")}\n`;
  });
  return differences(current, wanted).length === 0 ? undefined : tables.join("");
}

function tablesOf(...sets: readonly RuleSet[]): string[] {
  return [...new Set(sets.flatMap((set) => [...set.keys()]))].sort();
}
