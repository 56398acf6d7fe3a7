import { type Cidr, parseCidr } from "./cidr.js";
import { HEALTH_PORT, METRICS_PORT, ROLLOUT_HEALTH_PORT } from "./ports.js";

/** The sidecar's ports for what is intercepted. */
export const OUTBOUND_CAPTURE_PORT = 15001;
export const INBOUND_CAPTURE_PORT = 15006;
export const DNS_CAPTURE_PORT = 15053;
/** Rewritten probes of the app, and the drain by the kubelet's GET. */
export const PROBE_PORT = 15020;
export const DRAIN_PORT = 15094;
/** User and group of the sidecar: what it sends is not intercepted. */
export const PROXY_UID = 1337;

/** Ports of the sidecar itself, which are called directly. */
export const DIRECT_INBOUND_PORTS = [PROBE_PORT, HEALTH_PORT, METRICS_PORT, ROLLOUT_HEALTH_PORT, DRAIN_PORT].sort(
  (a, b) => a - b,
);

/** What is intercepted in a workload's network namespace. All lists are in order and without repetitions. */
export interface InterceptionOptions {
  readonly outboundPort: number;
  readonly inboundPort: number;
  readonly proxyUid: number;
  readonly proxyGid: number;
  /** Ports of the app that are intercepted; none: all of them. */
  readonly includeInboundPorts: readonly number[];
  /** Beside {@link DIRECT_INBOUND_PORTS}. */
  readonly excludeInboundPorts: readonly number[];
  /** A call is intercepted if its port or its address is in one of these two; with both empty, all calls are. */
  readonly includeOutboundPorts: readonly number[];
  readonly includeOutboundCidrs: readonly Cidr[];
  /** What is excluded is so even where it is included too. */
  readonly excludeOutboundPorts: readonly number[];
  readonly excludeOutboundCidrs: readonly Cidr[];
  readonly excludeUids: readonly number[];
  readonly excludeGids: readonly number[];
  /** Questions to port 53 go to the sidecar: those to these servers; none: to any. */
  readonly dns?: { readonly port: number; readonly servers: readonly Cidr[] };
}

/** The options as texts, from flags or annotations. What is left out has its default. */
export interface InterceptionInput {
  readonly outboundPort?: string | undefined;
  readonly inboundPort?: string | undefined;
  readonly proxyUid?: string | undefined;
  readonly proxyGid?: string | undefined;
  readonly includeInboundPorts?: readonly string[] | undefined;
  readonly excludeInboundPorts?: readonly string[] | undefined;
  readonly includeOutboundPorts?: readonly string[] | undefined;
  readonly includeOutboundCidrs?: readonly string[] | undefined;
  readonly excludeOutboundPorts?: readonly string[] | undefined;
  readonly excludeOutboundCidrs?: readonly string[] | undefined;
  readonly excludeUids?: readonly string[] | undefined;
  readonly excludeGids?: readonly string[] | undefined;
  readonly captureDns?: boolean | undefined;
  readonly dnsPort?: string | undefined;
  readonly dnsServers?: readonly string[] | undefined;
}

/** What is wrong with one option, and what to do. */
export interface InterceptionProblem {
  readonly option: keyof InterceptionInput;
  readonly message: string;
}

/** As many entries as a list may have: each is a rule that every new connection passes. */
export const MAX_LIST = 256;
/** Linux keeps the last one for "no user". */
const MAX_ID = 4_294_967_294;

export type InterceptionRead =
  | { readonly ok: true; readonly options: InterceptionOptions }
  | { readonly ok: false; readonly problems: readonly InterceptionProblem[] };

/** Reads and checks all options. */
export function readInterceptionOptions(input: InterceptionInput): InterceptionRead {
  const problems: InterceptionProblem[] = [];
  const say = (option: keyof InterceptionInput, message: string) => void problems.push({ option, message });

  const number = (option: keyof InterceptionInput, text: string, min: number, max: number): number => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    say(option, `${JSON.stringify(text.slice(0, 40))} is not a number from ${min} to ${max}`);
    return min;
  };
  const port = (option: keyof InterceptionInput, text: string) => number(option, text, 1, 65_535);
  const list = <T>(option: keyof InterceptionInput, texts: readonly string[] = [], read: (text: string) => T): T[] => {
    if (texts.length <= MAX_LIST) return texts.map(read);
    say(option, `has ${texts.length} entries; at most ${MAX_LIST} are possible`);
    return [];
  };
  const ports = (
    option: "includeInboundPorts" | "excludeInboundPorts" | "includeOutboundPorts" | "excludeOutboundPorts",
  ) => sorted(list(option, input[option], (text) => port(option, text)));
  const ids = (option: "excludeUids" | "excludeGids") =>
    sorted(list(option, input[option], (text) => number(option, text, 0, MAX_ID)));
  const cidrs = (option: "includeOutboundCidrs" | "excludeOutboundCidrs" | "dnsServers"): Cidr[] => {
    const found = list(option, input[option], (text) => {
      const cidr = parseCidr(text);
      if (!("message" in cidr)) return [cidr];
      say(option, `${JSON.stringify(text.slice(0, 60))} ${cidr.message}`);
      return [];
    }).flat();
    return [...new Map(found.map((cidr) => [cidr.text, cidr])).values()];
  };

  const captureDns = input.captureDns ?? false;
  const dnsPort = port("dnsPort", input.dnsPort ?? String(DNS_CAPTURE_PORT));
  const servers = cidrs("dnsServers");
  for (const server of servers)
    if (!/\/(32|128)$/.test(server.text)) say("dnsServers", `${server.text} is a range; name the server's address`);
  for (const option of ["dnsServers", "dnsPort"] as const)
    if (!captureDns && input[option] !== undefined && input[option].length > 0)
      say(option, "has no meaning unless DNS is captured");
  const options: InterceptionOptions = {
    outboundPort: port("outboundPort", input.outboundPort ?? String(OUTBOUND_CAPTURE_PORT)),
    inboundPort: port("inboundPort", input.inboundPort ?? String(INBOUND_CAPTURE_PORT)),
    proxyUid: number("proxyUid", input.proxyUid ?? String(PROXY_UID), 1, MAX_ID),
    proxyGid: number("proxyGid", input.proxyGid ?? String(PROXY_UID), 1, MAX_ID),
    includeInboundPorts: ports("includeInboundPorts"),
    excludeInboundPorts: ports("excludeInboundPorts"),
    includeOutboundPorts: ports("includeOutboundPorts"),
    includeOutboundCidrs: cidrs("includeOutboundCidrs"),
    excludeOutboundPorts: ports("excludeOutboundPorts"),
    excludeOutboundCidrs: cidrs("excludeOutboundCidrs"),
    excludeUids: ids("excludeUids"),
    excludeGids: ids("excludeGids"),
    ...(captureDns ? { dns: { port: dnsPort, servers } } : {}),
  };
  const listening = [options.outboundPort, options.inboundPort, ...(captureDns ? [dnsPort] : [])];
  if (new Set(listening).size < listening.length)
    say("outboundPort", `the sidecar's ports must differ, and are ${listening.join(", ")}`);
  for (const excluded of options.excludeInboundPorts)
    if (options.includeInboundPorts.includes(excluded))
      say("excludeInboundPorts", `${excluded} is included too: name it once`);
  if (captureDns && options.excludeOutboundPorts.includes(53))
    say("excludeOutboundPorts", "53 is excluded, and DNS is to be captured: choose one");
  return problems.length === 0 ? { ok: true, options } : { ok: false, problems };
}

function sorted(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}
