import { lookup as dnsLookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/**
 * Addresses that no registry has: link-local ones and those where clouds tell an instance its secrets. Who may name a
 * registry must not reach them through us.
 */
const FORBIDDEN = blockList([
  "169.254.0.0/16",
  "100.100.100.200/32",
  "224.0.0.0/4",
  "fe80::/10",
  "fd00:ec2::254/128",
  "ff00::/8",
]);

/** Addresses inside of a machine or a company. */
const INTERNAL = blockList([
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "240.0.0.0/4",
  "::/127",
  "64:ff9b::/96",
  "fc00::/7",
]);

export type AddressClass = "public" | "internal" | "forbidden";

/** What an IP address (without brackets) is; one that cannot be read is forbidden. */
export function classOf(address: string): AddressClass {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const plain = mapped ?? mappedHex(address) ?? address;
  const family = isIP(plain);
  if (family === 0) return "forbidden";
  const type = family === 4 ? "ipv4" : "ipv6";
  if (FORBIDDEN.check(plain, type)) return "forbidden";
  return INTERNAL.check(plain, type) ? "internal" : "public";
}

/** The IPv4 address in `::ffff:7f00:1`. */
function mappedHex(address: string): string | undefined {
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address) ?? [];
  if (high === undefined || low === undefined) return undefined;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join(".");
}

/** The host of a URL as an IP address; undefined for a name. */
export function literalAddress({ hostname }: URL): string | undefined {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return isIP(host) === 0 ? undefined : host;
}

/** A connection that was not made. */
export class AddressError extends Error {
  override readonly name = "AddressError";
  readonly code = "ADDRESS_NOT_ALLOWED";
}

/**
 * A look-up for sockets that fails where a name stands for an address that is not allowed: what was checked is what is
 * connected to, also if the name stands for another a moment later.
 */
export function guardedLookup(allows: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, "");
        return;
      }
      const bad = addresses.find(({ address }) => !allows(address));
      const [first] = addresses;
      if (bad !== undefined || first === undefined) {
        callback(new AddressError(`${hostname} is at ${bad?.address}, where no registry may be`), "");
      } else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", prefix] = range.split("/");
    list.addSubnet(network, Number(prefix), isIP(network) === 4 ? "ipv4" : "ipv6");
  }
  return list;
}
