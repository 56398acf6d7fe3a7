import type { Cidr } from "./cidr.js";
import { DIRECT_INBOUND_PORTS, type InterceptionOptions } from "./interception-options.js";

/** The rules of one namespace, each as input of `iptables-restore --noflush` and `ip6tables-restore --noflush`. */
export interface InterceptionRules {
  readonly ipv4: string;
  readonly ipv6: string;
}

/** Every chain of ours begins so, and no other does: what undoes the rules goes by it. */
export const CHAIN_PREFIX = "WEFT_";

const INBOUND = "WEFT_INBOUND";
const IN_REDIRECT = "WEFT_IN_REDIRECT";
const OUTBOUND = "WEFT_OUTBOUND";
const OUT_REDIRECT = "WEFT_OUT_REDIRECT";
const DNS = "WEFT_DNS";
const DNS_SENT = "WEFT_DNS_SENT";
const DNS_RECEIVED = "WEFT_DNS_RECEIVED";

/** From where a sidecar calls its own app, so that the call is not intercepted again. */
const PASSTHROUGH_SOURCE = { ipv4: "127.0.0.6/32", ipv6: "::6/128" } as const;
const LOOPBACK = { ipv4: "127.0.0.1/32", ipv6: "::1/128" } as const;
const DNS_PORT = 53;
/** Conntrack zones: the sidecar's own questions, and those of the app that it answers. */
const SIDECAR_ZONE = 1;
const APP_ZONE = 2;

/**
 * The iptables rules that send a workload's TCP traffic through its sidecar, and its DNS questions if that is wanted.
 * They are written as iptables-save prints them, by the nft and by the legacy program, so that what is in force can be
 * compared as text. They belong into empty chains: a namespace that has them already needs a transition.
 */
export function interceptionRules(options: InterceptionOptions): InterceptionRules {
  return { ipv4: rulesOf("ipv4", options), ipv6: rulesOf("ipv6", options) };
}

type Family = Cidr["family"];

interface Table {
  readonly name: "nat" | "raw";
  readonly chains: readonly string[];
  readonly rules: readonly string[];
}

function rulesOf(family: Family, options: InterceptionOptions): string {
  return [natTable(family, options), ...dnsZones(family, options)].map(tableText).join("");
}

function tableText({ name, chains, rules }: Table): string {
  const lines = [`*${name}`, ...chains.map((chain) => `:${chain} - [0:0]`), ...rules.map((rule) => `-A ${rule}`)];
  return `${lines.join("\n")}\nCOMMIT\n`;
}

function natTable(family: Family, options: InterceptionOptions): Table {
  const { dns } = options;
  const chains = [INBOUND, IN_REDIRECT, OUTBOUND, OUT_REDIRECT, ...(dns === undefined ? [] : [DNS])];
  return {
    name: "nat",
    chains,
    rules: [
      `PREROUTING -p tcp -j ${INBOUND}`,
      `OUTPUT -j ${OUTBOUND}`,
      ...inbound(options).map((rule) => `${INBOUND} ${rule}`),
      `${IN_REDIRECT} -p tcp -j REDIRECT --to-ports ${options.inboundPort}`,
      ...outbound(family, options).map((rule) => `${OUTBOUND} ${rule}`),
      `${OUT_REDIRECT} -p tcp -j REDIRECT --to-ports ${options.outboundPort}`,
      ...(dns === undefined ? [] : dnsQuestions(family, dns.servers)).flatMap((to) =>
        ["udp", "tcp"].map(
          (protocol) => `${DNS} ${toPort(to, protocol, DNS_PORT)} -j REDIRECT --to-ports ${dns?.port}`,
        ),
      ),
    ],
  };
}

/** What arrives, and what the sidecar calls at its own pod. */
function inbound({ includeInboundPorts, excludeInboundPorts }: InterceptionOptions): string[] {
  const direct = [...new Set([...DIRECT_INBOUND_PORTS, ...excludeInboundPorts])].sort((a, b) => a - b);
  return [
    ...direct.map((port) => `${toPort("", "tcp", port)} -j RETURN`),
    ...(includeInboundPorts.length === 0
      ? [`-p tcp -j ${IN_REDIRECT}`]
      : includeInboundPorts.map((port) => `${toPort("", "tcp", port)} -j ${IN_REDIRECT}`)),
  ];
}

/** In this order: what is left alone, what is DNS, and of the rest what is intercepted. */
function outbound(family: Family, options: InterceptionOptions): string[] {
  const { proxyUid, proxyGid, includeOutboundPorts, includeOutboundCidrs } = options;
  const owners = [`--uid-owner ${proxyUid}`, `--gid-owner ${proxyGid}`].map((owner) => `-m owner ${owner}`);
  const others = [
    ...options.excludeUids.map((uid) => `-m owner --uid-owner ${uid}`),
    ...options.excludeGids.map((gid) => `-m owner --gid-owner ${gid}`),
  ];
  const includesAll = includeOutboundPorts.length === 0 && includeOutboundCidrs.length === 0;
  return [
    `-s ${PASSTHROUGH_SOURCE[family]} -o lo -j RETURN`,
    // The app called its own service, and the sidecar chose this very pod: it goes in as any other call.
    ...owners.map((owner) => `! -d ${LOOPBACK[family]} -o lo -p tcp ${owner} -j ${INBOUND}`),
    ...owners.map((owner) => `${owner} -j RETURN`),
    ...others.map((owner) => `${owner} -j RETURN`),
    ...options.excludeOutboundPorts.map((port) => `${toPort("", "tcp", port)} -j RETURN`),
    // Before loopback is left alone: a resolver may be there.
    ...(options.dns === undefined ? [] : [`-j ${DNS}`]),
    // The app calls itself.
    "-o lo -j RETURN",
    ...ofFamily(family, options.excludeOutboundCidrs).map((to) => `${to}-j RETURN`),
    ...includeOutboundPorts.map((port) => `${toPort("", "tcp", port)} -j ${OUT_REDIRECT}`),
    ...ofFamily(family, includeOutboundCidrs).map((to) => `${to}-p tcp -j ${OUT_REDIRECT}`),
    ...(includesAll ? [`-p tcp -j ${OUT_REDIRECT}`] : []),
  ];
}

/**
 * Keeps the sidecar's own questions apart from those that it answers. Both go to the same servers, so a port that an
 * app used a moment ago would, used by the sidecar, be taken for the app's flow, and its question come back to itself.
 */
function dnsZones(family: Family, { dns, proxyUid, proxyGid }: InterceptionOptions): Table[] {
  if (dns === undefined) return [];
  const owners = [`-m owner --uid-owner ${proxyUid}`, `-m owner --gid-owner ${proxyGid}`];
  const sidecar = owners.flatMap((owner) => [
    `-p udp -m udp --dport ${DNS_PORT} ${owner} -j CT --zone ${SIDECAR_ZONE}`,
    `-p udp -m udp --sport ${dns.port} ${owner} -j CT --zone ${APP_ZONE}`,
  ]);
  const to = dnsQuestions(family, dns.servers);
  return [
    {
      name: "raw",
      chains: [DNS_SENT, DNS_RECEIVED],
      rules: [
        `PREROUTING -p udp -j ${DNS_RECEIVED}`,
        `OUTPUT -p udp -j ${DNS_SENT}`,
        // The first that fits sets the zone, so the app's are last.
        ...sidecar.map((rule) => `${DNS_SENT} ${rule}`),
        ...to.map((server) => `${DNS_SENT} ${toPort(server, "udp", DNS_PORT)} -j CT --zone ${APP_ZONE}`),
        ...to.map((server) => `${DNS_RECEIVED} ${fromPort(server)} -j CT --zone ${SIDECAR_ZONE}`),
      ],
    },
  ];
}

/** As matches, each with a space at its end. */
function dnsQuestions(family: Family, servers: readonly Cidr[]): string[] {
  return servers.length === 0 ? [""] : ofFamily(family, servers);
}

function ofFamily(family: Family, cidrs: readonly Cidr[]): string[] {
  return cidrs.flatMap((cidr) => (cidr.family === family ? [cidr.isAll ? "" : `-d ${cidr.text} `] : []));
}

function toPort(to: string, protocol: string, port: number): string {
  return `${to}-p ${protocol} -m ${protocol} --dport ${port}`;
}

/** Answers of a server: the same match, turned round. */
function fromPort(to: string): string {
  return `${to.replace(/^-d/, "-s")}-p udp -m udp --sport ${DNS_PORT}`;
}
