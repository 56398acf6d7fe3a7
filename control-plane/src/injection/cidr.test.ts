import { describe, expect, it } from "vitest";
import { parseCidr } from "./cidr.js";

describe("parseCidr", () => {
  it.each([
    ["10.0.0.0/8", "ipv4", "10.0.0.0/8"],
    ["10.1.2.3", "ipv4", "10.1.2.3/32"],
    ["0.0.0.0/0", "ipv4", "0.0.0.0/0"],
    ["::/0", "ipv6", "::/0"],
    ["::1", "ipv6", "::1/128"],
    ["FD00::/8", "ipv6", "fd00::/8"],
    ["2001:db8:0:0:1:0:0:0/80", "ipv6", "2001:db8:0:0:1::/80"],
    ["2001:0db8:0:1:0:0:0:1", "ipv6", "2001:db8:0:1::1/128"],
    ["2001:db8:0:1:1:1:1:1", "ipv6", "2001:db8:0:1:1:1:1:1/128"],
    ["1:0:0:2:0:0:3:4", "ipv6", "1::2:0:0:3:4/128"],
    ["::ffff:10.0.0.1", "ipv6", "::ffff:10.0.0.1/128"],
    ["::ffff:a00:1", "ipv6", "::ffff:10.0.0.1/128"],
    ["::6", "ipv6", "::6/128"],
    ["10:20::", "ipv6", "10:20::/128"],
    ["100:0:0:10::/64", "ipv6", "100:0:0:10::/64"],
  ])("%s is %s %s", (text, family, canonical) => {
    expect(parseCidr(text)).toEqual({ family, text: canonical, isAll: canonical.endsWith("/0") });
  });

  it.each([
    ["", "is not an IP address"],
    ["web", "is not an IP address"],
    ["10.0.0/8", "is not an IP address"],
    ["10.0.0.0/8/8", "is not an IP address"],
    ["fe80::1%eth0", "is not an IP address"],
    ["10.0.0.0/", "no number after the slash"],
    ["10.0.0.0/+8", "no number after the slash"],
    ["10.0.0.0/33", "an address has 32"],
    ["fd00::/129", "an address has 128"],
    ["10.1.2.3/8", "10.0.0.0/8 may be meant"],
    ["fd00::1/64", "fd00::/64 may be meant"],
  ])("%s is refused: %s", (text, message) => {
    expect(parseCidr(text)).toEqual({ message: expect.stringContaining(message) });
  });
});
