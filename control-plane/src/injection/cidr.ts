import { isIPv4, isIPv6 } from "node:net";

/** A range of IP addresses in the one text that iptables prints it with. */
export interface Cidr {
  readonly family: "ipv4" | "ipv6";
  /** `<address>/<prefix length>`; no bits are set behind the prefix. */
  readonly text: string;
  /** All addresses of its family. */
  readonly isAll: boolean;
}

/** Reads an address or `<address>/<prefix length>`; a message where it is neither. */
export function parseCidr(text: string): Cidr | { readonly message: string } {
  const [address = "", length, ...rest] = text.split("/");
  const family = isIPv4(address) ? "ipv4" : isIPv6(address) && !address.includes("%") ? "ipv6" : undefined;
  if (family === undefined || rest.length > 0)
    return { message: "is not an IP address or range such as 10.0.0.0/8 or fd00::/8" };
  const bits = family === "ipv4" ? 32 : 128;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return { message: "has no number after the slash" };
  const prefix = length === undefined ? bits : Number(length);
  if (prefix > bits) return { message: `has a prefix of ${prefix} bits, and an address has ${bits}` };
  const value = toNumber(address, family);
  const base = (value >> BigInt(bits - prefix)) << BigInt(bits - prefix);
  const canonical = `${toText(base, family)}/${prefix}`;
  if (base !== value) return { message: `has bits set behind its prefix: ${canonical} may be meant` };
  return { family, text: canonical, isAll: prefix === 0 };
}

function toNumber(address: string, family: Cidr["family"]): bigint {
  if (family === "ipv4") return address.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  // An IPv4 address may stand for the last two groups.
  const [, head = "", last = ""] = /^(.*:)([^:]*)$/.exec(address) ?? [];
  const tail = last.includes(".") ? toNumber(last, "ipv4") : undefined;
  const whole = tail === undefined ? address : `${head}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`;
  const [left = "", right] = whole.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const [before, after] = [groups(left), groups(right ?? "")];
  const gap = new Array<string>(right === undefined ? 0 : 8 - before.length - after.length).fill("0");
  return [...before, ...gap, ...after].reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

/** As glibc's inet_ntop writes it, which iptables prints. https://www.rfc-editor.org/rfc/rfc5952#section-4 */
function toText(value: bigint, family: Cidr["family"]): string {
  const parts = family === "ipv4" ? { count: 4, bits: 8n } : { count: 8, bits: 16n };
  const groups = Array.from(
    { length: parts.count },
    (_, i) => (value >> (parts.bits * BigInt(parts.count - 1 - i))) & ((1n << parts.bits) - 1n),
  );
  if (family === "ipv4") return groups.join(".");
  const texts = groups.map((group) => group.toString(16)).join(":");
  // inet_ntop writes ::ffff:a.b.c.d and ::a.b.c.d with an IPv4 tail.
  const high = value >> 32n;
  if (high === 0xffffn || (high === 0n && value > 0xffffn))
    return `${high === 0n ? "::" : "::ffff:"}${toText(value & 0xffff_ffffn, "ipv4")}`;
  const zeros = [...texts.matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)];
  const longest = zeros.reduce((best, match) => (match[0].length > best.length ? match[0] : best), "");
  if (longest === "") return texts;
  const at = zeros.find(([match]) => match === longest)?.index ?? 0;
  const before = texts.slice(0, at).replace(/:$/, "");
  const after = texts.slice(at + longest.length).replace(/^:/, "");
  return `${before}::${after}`;
}
