import { isIP, isIPv4 } from "node:net";
import { type Reader, readString, refuse, show } from "./fields.js";
import { readDnsSubdomain } from "./names.js";

/** Not multicast, reserved or unspecified. */
function isOfOneMachine(address: string): boolean {
  if (isIPv4(address)) {
    const first = Number(address.split(".")[0]);
    return first >= 1 && first < 224;
  }
  const lower = address.toLowerCase();
  return !lower.startsWith("ff") && !/^[0:]+$/.test(lower);
}

/** An IPv4 or IPv6 address of one machine, in lower case. */
export const readIp: Reader<string> = (field) => {
  const address = readString(64)(field);
  if (address === undefined) return undefined;
  if (isIP(address) === 0 || address.includes("%"))
    return refuse(field, "InvalidAddress", `${show(address)} is not an IP address`, "write one such as 10.0.0.7");
  if (isOfOneMachine(address)) return address.toLowerCase();
  return refuse(field, "InvalidAddress", `${show(address)} is no address of one machine`, "write the machine's own");
};

/** An IP address, or a block of them such as `10.1.0.0/16`. */
export const readIpBlock: Reader<string> = (field) => {
  const text = readString(64)(field);
  if (text === undefined) return undefined;
  const slash = text.indexOf("/");
  if (slash < 0) return readIp(field);
  const base = text.slice(0, slash);
  const length = /^\d{1,3}$/.test(text.slice(slash + 1)) ? Number(text.slice(slash + 1)) : Number.NaN;
  const bits = isIPv4(base) ? 32 : 128;
  if (isIP(base) !== 0 && !base.includes("%") && length >= 1 && length <= bits) return text.toLowerCase();
  return refuse(field, "InvalidAddress", `${show(text)} is no block of addresses`, "write one such as 10.1.0.0/16");
};

/** An IP address or a DNS name. */
export const readIpOrHost: Reader<string> = (field) =>
  typeof field.value === "string" && isIP(field.value) !== 0 ? readIp(field) : readDnsSubdomain(field);
