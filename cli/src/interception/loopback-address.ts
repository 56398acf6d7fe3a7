import { readFileSync } from "node:fs";
import { findProgram, runProgram } from "./program.js";

/**
 * From here a sidecar calls its app by IPv6. Of IPv4 all of 127.0.0.0/8 is the machine's own; of IPv6 only what is on an
 * interface, so that it must be put there.
 */
const ADDRESS = "::6/128";

/** Whether the address is on the loopback interface of this namespace. */
export function hasLoopbackAddress(): boolean {
  return /^0{31}6 .* lo$/m.test(readFileSync("/proc/net/if_inet6", "utf8"));
}

/** Puts it there, or takes it away. Returns why that cannot be done. */
export async function changeLoopbackAddress(action: "add" | "del"): Promise<string | undefined> {
  const ip = findProgram("ip");
  if (ip === undefined) return "the program ip is missing (Debian: apt-get install iproute2)";
  const { code, stderr } = await runProgram(ip, ["-6", "addr", action, ADDRESS, "dev", "lo"], "");
  return code === 0 ? undefined : stderr.trim().slice(0, 200);
}
