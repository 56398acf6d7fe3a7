import { isIP, isIPv4 } from "node:net";
import type { TcpMatch, TcpRoute, TlsMatch, TlsRoute } from "../model/tcp-route.js";
import { readTcpDestinations } from "./destination.js";
import {
  type Field,
  type ObjectFields,
  type Reader,
  readList,
  readObject,
  readPort,
  readString,
  refuse,
  show,
} from "./fields.js";
import { ELSEWHERE, readMatchGateways, rulesHere } from "./gateways.js";
import { readSource } from "./http-match.js";
import { readHostPattern } from "./names.js";

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#TCPRoute */
export function readTcpRoutes(namespace: string): Reader<TcpRoute[]> {
  const readRoute: Reader<TcpRoute | typeof ELSEWHERE> = readObject((fields) => {
    const matches = fields.optional("match", readList(readTcpMatch, { max: 100 })) ?? [];
    const destinations = fields.required("route", readTcpDestinations(namespace), "name where connections go") ?? [];
    const here = matches.filter((match) => match !== ELSEWHERE);
    return matches.length > 0 && here.length === 0 ? ELSEWHERE : { matches: here, destinations };
  });
  return (field) => {
    const routes = readList(readRoute)(field);
    return routes && rulesHere(routes);
  };
}

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#TLSRoute */
export function readTlsRoutes(namespace: string, hosts: readonly string[]): Reader<TlsRoute[]> {
  const readRoute: Reader<TlsRoute | typeof ELSEWHERE> = readObject((fields) => {
    const read = readList(readTlsMatch(hosts), { min: 1, max: 100 });
    const matches = fields.required("match", read, "say with match: [{sniHosts: […]}] which connections") ?? [];
    const destinations = fields.required("route", readTcpDestinations(namespace), "name where connections go") ?? [];
    const here = matches.filter((match) => match !== ELSEWHERE);
    return matches.length > 0 && here.length === 0 ? ELSEWHERE : { matches: here, destinations };
  });
  return (field) => {
    const routes = readList(readRoute)(field);
    return routes && rulesHere(routes);
  };
}

const readTcpMatch: Reader<TcpMatch | typeof ELSEWHERE> = readObject((fields) => {
  fields.unsupported({ sourceSubnet: "match on sourceLabels or sourceNamespace" });
  const where = readMatchGateways(fields);
  const match = readTcpParts(fields);
  return where ?? match;
});

function readTlsMatch(hosts: readonly string[]): Reader<TlsMatch | typeof ELSEWHERE> {
  const readSniHost: Reader<string> = (field) => {
    const name = readHostPattern(field);
    if (name === undefined || hosts.length === 0 || hosts.some((host) => isWithin(name, host))) return name;
    return refuse(
      field,
      "InvalidHost",
      `${show(name)} is not within hosts, which are ${hosts.join(", ")}`,
      "name one of them, or a name below one with a wildcard",
    );
  };
  return readObject((fields) => {
    const where = readMatchGateways(fields);
    const names = readList(readSniHost, { min: 1, max: 100 });
    const sniHosts = fields.required("sniHosts", names, "name the server names") ?? [];
    const match = readTcpParts(fields);
    return where ?? { sniHosts: [...new Set(sniHosts)], ...match };
  });
}

function readTcpParts(fields: ObjectFields): TcpMatch {
  const port = fields.optional("port", readPort);
  const destinationSubnets = fields.optional("destinationSubnets", readList(readSubnet, { max: 100 })) ?? [];
  return { destinationSubnets, ...(port !== undefined && { port }), ...readSource(fields) };
}

/** An address stands for the network of itself alone. */
function readSubnet(field: Field): string | undefined {
  const text = readString(64)(field);
  if (text === undefined) return undefined;
  const [address = "", length, more] = text.split("/");
  const bits = isIPv4(address) ? 32 : 128;
  const wrong = isIP(address) === 0 || more !== undefined || (length !== undefined && !/^\d{1,3}$/.test(length));
  if (!wrong && Number(length ?? bits) <= bits) return `${address}/${Number(length ?? bits)}`;
  return refuse(field, "InvalidValue", `${show(text)} is not a network`, "write one like 10.0.0.0/8 or 10.1.2.3");
}

/** Whether all that a name stands for, a host stands for too. */
function isWithin(name: string, host: string): boolean {
  if (!host.startsWith("*")) return name === host;
  return name.replace(/^\*/, "").endsWith(host.slice(1)) || name === host.slice(2);
}
