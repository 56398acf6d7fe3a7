import {
  type InterceptionInput,
  type InterceptionProblem,
  readInterceptionOptions,
} from "@weft/control-plane/injection/interception-options";
import { type InterceptionRules, interceptionRules } from "@weft/control-plane/injection/interception-rules";
import {
  applyInterception,
  checkInterception,
  type FamilyResult,
  undoInterception,
} from "../interception/intercept-namespace.js";
import { type Backend, requireNetAdmin } from "../interception/iptables.js";
import { type OutputFormat, printJson } from "../workbench/print.js";

export interface InterceptFlags {
  readonly outboundPort?: string;
  readonly inboundPort?: string;
  readonly uid?: string;
  readonly gid?: string;
  readonly includeInboundPort: readonly string[];
  readonly excludeInboundPort: readonly string[];
  readonly includeOutboundPort: readonly string[];
  readonly excludeOutboundPort: readonly string[];
  readonly includeOutboundCidr: readonly string[];
  readonly excludeOutboundCidr: readonly string[];
  readonly excludeUid: readonly string[];
  readonly excludeGid: readonly string[];
  readonly captureDns: boolean;
  readonly dnsPort?: string;
  readonly dnsServer: readonly string[];
  readonly backend: Backend | "auto";
  readonly ipv4Only: boolean;
  readonly dryRun: boolean;
  readonly check: boolean;
  readonly undo: boolean;
  readonly output: OutputFormat;
}

/** The flag that sets an option, for messages. */
const FLAGS: Readonly<Record<keyof InterceptionInput, string>> = {
  outboundPort: "--outbound-port",
  inboundPort: "--inbound-port",
  proxyUid: "--uid",
  proxyGid: "--gid",
  includeInboundPorts: "--include-inbound-port",
  excludeInboundPorts: "--exclude-inbound-port",
  includeOutboundPorts: "--include-outbound-port",
  excludeOutboundPorts: "--exclude-outbound-port",
  includeOutboundCidrs: "--include-outbound-cidr",
  excludeOutboundCidrs: "--exclude-outbound-cidr",
  excludeUids: "--exclude-uid",
  excludeGids: "--exclude-gid",
  captureDns: "--capture-dns",
  dnsPort: "--dns-port",
  dnsServers: "--dns-server",
};

/**
 * `weft intercept`: the iptables rules of this network namespace. Returns the exit code: 1 where `--check` finds
 * something else, 2 for a flag that is wrong. Throws an InterceptionError where it cannot be done.
 */
export async function intercept(flags: InterceptFlags): Promise<number> {
  const read = readInterceptionOptions(inputOf(flags));
  if (!read.ok) return printProblems(read.problems, flags.output);
  const rules = interceptionRules(read.options);
  if (flags.dryRun) return printRules(rules, flags);
  requireNetAdmin();
  const results = flags.undo
    ? await undoInterception(flags)
    : flags.check
      ? await checkInterception(rules, flags)
      : await applyInterception(rules, flags);
  const ok = results.every((result) => result.differences.length === 0);
  if (flags.output === "json") printJson({ ok, families: results });
  else for (const result of results) console.log(resultText(result, flags));
  return ok ? 0 : 1;
}

function inputOf(flags: InterceptFlags): InterceptionInput {
  return {
    outboundPort: flags.outboundPort,
    inboundPort: flags.inboundPort,
    proxyUid: flags.uid,
    proxyGid: flags.gid,
    includeInboundPorts: flags.includeInboundPort,
    excludeInboundPorts: flags.excludeInboundPort,
    includeOutboundPorts: flags.includeOutboundPort,
    excludeOutboundPorts: flags.excludeOutboundPort,
    includeOutboundCidrs: flags.includeOutboundCidr,
    excludeOutboundCidrs: flags.excludeOutboundCidr,
    excludeUids: flags.excludeUid,
    excludeGids: flags.excludeGid,
    captureDns: flags.captureDns,
    dnsPort: flags.dnsPort,
    dnsServers: flags.dnsServer,
  };
}

function printProblems(problems: readonly InterceptionProblem[], output: OutputFormat): number {
  const named = problems.map(({ option, message }) => ({ flag: FLAGS[option], message }));
  if (output === "json") printJson({ ok: false, problems: named });
  else for (const { flag, message } of named) console.error(`weft: ${flag}: ${message}`);
  return 2;
}

function printRules({ ipv4, ipv6 }: InterceptionRules, { output, ipv4Only }: InterceptFlags): number {
  if (output === "json") printJson({ ipv4, ...(ipv4Only ? {} : { ipv6 }) });
  else {
    console.log(`# iptables-restore --noflush\n${ipv4}`);
    if (!ipv4Only) console.log(`# ip6tables-restore --noflush\n${ipv6}`);
  }
  return 0;
}

function resultText(
  { family, backend, changed, differences, skipped, note }: FamilyResult,
  { undo, check }: InterceptFlags,
): string {
  const name = family === "ipv4" ? "IPv4" : "IPv6";
  if (skipped !== undefined) return `${name}: nothing done, ${skipped}`;
  if (undo) return `${name}: ${changed ? "the rules are removed" : "there were no rules"}`;
  const by = ` (${backend})`;
  if (differences.length > 0) return [`${name}${by}: the rules are not as asked for`, ...differences].join("\n  ");
  if (check) return `${name}${by}: the rules are in force`;
  const remark = note === undefined ? "" : `; ${note}`;
  return `${name}${by}: the rules are in force${changed ? "" : " already"}, and checked${remark}`;
}
