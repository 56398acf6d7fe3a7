import { existsSync, readFileSync } from "node:fs";
import { InterceptionError } from "./interception-error.js";
import { findProgram, runProgram, SYSTEM_FOLDERS } from "./program.js";
import { ownRules, parseRuleSet, type RuleSet } from "./rule-set.js";

/** The two ways to the kernel. Rules of one are not seen by the other, and both are in force. */
export type Backend = "nft" | "legacy";
export type Family = "ipv4" | "ipv6";

/** The programs of one way and one family. */
export interface Iptables {
  readonly backend: Backend;
  readonly family: Family;
  /** All that is in force. */
  read(): Promise<RuleSet>;
  /** Applies input of `iptables-restore --noflush`. */
  restore(text: string): Promise<void>;
  /** Whether the kernel would take it. Nothing changes. */
  takes(text: string): Promise<boolean>;
}

/** How long the legacy programs wait for one another. */
const LOCK_SECONDS = "10";
/** `CAP_NET_ADMIN`. */
const NET_ADMIN_BIT = 12n;

/** Throws unless this process may change the rules of its network namespace. */
export function requireNetAdmin(): void {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  if ((BigInt(`0x${effective}`) >> NET_ADMIN_BIT) & 1n) return;
  throw new InterceptionError(
    "no-permission",
    "writing iptables rules needs the capability NET_ADMIN, which this process does not have",
    "run it as root, or in a container with capabilities.add [NET_ADMIN, NET_RAW]; --dry-run needs none",
  );
}

/** Whether the kernel speaks IPv6 in this network namespace. */
export function hasIpv6(): boolean {
  return existsSync("/proc/net/if_inet6");
}

/** The programs that are installed for a family. */
export function findIptables(family: Family): Iptables[] {
  const name = family === "ipv4" ? "iptables" : "ip6tables";
  const found = (["nft", "legacy"] as const).flatMap((backend) => {
    const programs = programsOf(`${name}-${backend}`);
    return programs === undefined ? [] : [iptables(backend, family, programs)];
  });
  if (found.length > 0) return found;
  // Old versions have one way only, without a name for it.
  const programs = programsOf(name);
  return programs === undefined ? [] : [iptables("legacy", family, programs)];
}

/** Throws for what is not installed. */
export function missingIptables(family: Family, backend: Backend | "auto"): InterceptionError {
  const name = family === "ipv4" ? "iptables" : "ip6tables";
  return new InterceptionError(
    "no-iptables",
    `${backend === "auto" ? name : `${name}-${backend}`}-restore is neither in PATH nor in ${SYSTEM_FOLDERS.join(", ")}`,
    "install iptables (Debian: apt-get install iptables)",
  );
}

/**
 * Chooses the way: the one that has our rules, else the one that has rules of somebody, else nft if the kernel takes
 * the rules by it, else legacy.
 */
export async function chooseBackend(found: readonly Iptables[], text: string): Promise<Iptables | undefined> {
  const states = await Promise.all(found.map(async (tool) => ({ tool, rules: await tool.read() })));
  const own = states.find(({ rules }) => ownRules(rules).size > 0);
  if (own !== undefined) return own.tool;
  const used = states.filter(({ rules }) => [...rules.values()].some((table) => table.rules.length > 0));
  if (used.length === 1) return used[0]?.tool;
  for (const { tool } of states) if (await tool.takes(text)) return tool;
  return states[0]?.tool;
}

interface Programs {
  readonly save: string;
  readonly restore: string;
}

function programsOf(name: string): Programs | undefined {
  const [save, restore] = [findProgram(`${name}-save`), findProgram(`${name}-restore`)];
  return save === undefined || restore === undefined ? undefined : { save, restore };
}

function iptables(backend: Backend, family: Family, { save, restore }: Programs): Iptables {
  const restoreArgs = ["--noflush", "--wait", LOCK_SECONDS];
  return {
    backend,
    family,
    read: async () => {
      const { code, stdout, stderr } = await runProgram(save, [], "");
      if (code !== 0) throw refused(save, stderr);
      return parseRuleSet(stdout);
    },
    restore: async (text) => {
      const { code, stderr } = await runProgram(restore, restoreArgs, text);
      if (code !== 0) throw refused(restore, stderr);
    },
    takes: async (text) => (await runProgram(restore, [...restoreArgs, "--test"], text)).code === 0,
  };
}

function refused(program: string, stderr: string): InterceptionError {
  const said = stderr.trim().split("\n").slice(0, 5).join("; ").slice(0, 500);
  return new InterceptionError("refused", `${program}: ${said === "" ? "failed without a message" : said}`);
}
