import { describe, expect, it } from "vitest";
import { type InterceptionInput, MAX_LIST, readInterceptionOptions } from "./interception-options.js";
import { CHAIN_PREFIX, interceptionRules } from "./interception-rules.js";

function rules(input: InterceptionInput = {}) {
  const read = readInterceptionOptions(input);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return interceptionRules(read.options);
}

/** What one text has beyond the other, as `+ line` and `- line`. */
function difference(input: InterceptionInput, family: "ipv4" | "ipv6" = "ipv4"): string[] {
  const [before, after] = [rules()[family].split("\n"), rules(input)[family].split("\n")];
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`),
  ];
}

const DEFAULT = `*nat
:WEFT_INBOUND - [0:0]
:WEFT_IN_REDIRECT - [0:0]
:WEFT_OUTBOUND - [0:0]
:WEFT_OUT_REDIRECT - [0:0]
-A PREROUTING -p tcp -j WEFT_INBOUND
-A OUTPUT -j WEFT_OUTBOUND
-A WEFT_INBOUND -p tcp -m tcp --dport 15020 -j RETURN
-A WEFT_INBOUND -p tcp -m tcp --dport 15021 -j RETURN
-A WEFT_INBOUND -p tcp -m tcp --dport 15090 -j RETURN
-A WEFT_INBOUND -p tcp -m tcp --dport 15092 -j RETURN
-A WEFT_INBOUND -p tcp -m tcp --dport 15094 -j RETURN
-A WEFT_INBOUND -p tcp -j WEFT_IN_REDIRECT
-A WEFT_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
-A WEFT_OUTBOUND -s 127.0.0.6/32 -o lo -j RETURN
-A WEFT_OUTBOUND ! -d 127.0.0.1/32 -o lo -p tcp -m owner --uid-owner 1337 -j WEFT_INBOUND
-A WEFT_OUTBOUND ! -d 127.0.0.1/32 -o lo -p tcp -m owner --gid-owner 1337 -j WEFT_INBOUND
-A WEFT_OUTBOUND -m owner --uid-owner 1337 -j RETURN
-A WEFT_OUTBOUND -m owner --gid-owner 1337 -j RETURN
-A WEFT_OUTBOUND -o lo -j RETURN
-A WEFT_OUTBOUND -p tcp -j WEFT_OUT_REDIRECT
-A WEFT_OUT_REDIRECT -p tcp -j REDIRECT --to-ports 15001
COMMIT
`;

describe("the rules", () => {
  it("by default: all TCP, and nothing else", () => {
    const { ipv4, ipv6 } = rules();
    expect(ipv4).toBe(DEFAULT);
    expect(ipv6).toBe(DEFAULT.replaceAll("127.0.0.1/32", "::1/128").replaceAll("127.0.0.6/32", "::6/128"));
  });

  it("with DNS: questions too, each in its zone", () => {
    const { ipv4, ipv6 } = rules({ captureDns: true });
    expect(ipv4.slice(ipv4.indexOf("*raw"))).toBe(`*raw
:WEFT_DNS_SENT - [0:0]
:WEFT_DNS_RECEIVED - [0:0]
-A PREROUTING -p udp -j WEFT_DNS_RECEIVED
-A OUTPUT -p udp -j WEFT_DNS_SENT
-A WEFT_DNS_SENT -p udp -m udp --dport 53 -m owner --uid-owner 1337 -j CT --zone 1
-A WEFT_DNS_SENT -p udp -m udp --sport 15053 -m owner --uid-owner 1337 -j CT --zone 2
-A WEFT_DNS_SENT -p udp -m udp --dport 53 -m owner --gid-owner 1337 -j CT --zone 1
-A WEFT_DNS_SENT -p udp -m udp --sport 15053 -m owner --gid-owner 1337 -j CT --zone 2
-A WEFT_DNS_SENT -p udp -m udp --dport 53 -j CT --zone 2
-A WEFT_DNS_RECEIVED -p udp -m udp --sport 53 -j CT --zone 1
COMMIT
`);
    expect(ipv4.slice(0, ipv4.indexOf("*raw")).split("\n")).toEqual(
      DEFAULT.replace(":WEFT_OUT_REDIRECT - [0:0]\n", "$&:WEFT_DNS - [0:0]\n")
        .replace("-A WEFT_OUTBOUND -o lo -j RETURN\n", "-A WEFT_OUTBOUND -j WEFT_DNS\n$&")
        .replace(
          "COMMIT",
          "-A WEFT_DNS -p udp -m udp --dport 53 -j REDIRECT --to-ports 15053\n-A WEFT_DNS -p tcp -m tcp --dport 53 -j REDIRECT --to-ports 15053\n$&",
        )
        .split("\n"),
    );
    expect(ipv6.slice(ipv6.indexOf("*raw"))).toBe(ipv4.slice(ipv4.indexOf("*raw")));
  });

  const rows: readonly (readonly [string, InterceptionInput, readonly string[], (readonly string[])?])[] = [
    [
      "other ports, user and group of the sidecar",
      { outboundPort: "25001", inboundPort: "25006", proxyUid: "99", proxyGid: "98" },
      [
        "- -A WEFT_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006",
        "- -A WEFT_OUTBOUND ! -d 127.0.0.1/32 -o lo -p tcp -m owner --uid-owner 1337 -j WEFT_INBOUND",
        "- -A WEFT_OUTBOUND ! -d 127.0.0.1/32 -o lo -p tcp -m owner --gid-owner 1337 -j WEFT_INBOUND",
        "- -A WEFT_OUTBOUND -m owner --uid-owner 1337 -j RETURN",
        "- -A WEFT_OUTBOUND -m owner --gid-owner 1337 -j RETURN",
        "- -A WEFT_OUT_REDIRECT -p tcp -j REDIRECT --to-ports 15001",
        "+ -A WEFT_IN_REDIRECT -p tcp -j REDIRECT --to-ports 25006",
        "+ -A WEFT_OUTBOUND ! -d 127.0.0.1/32 -o lo -p tcp -m owner --uid-owner 99 -j WEFT_INBOUND",
        "+ -A WEFT_OUTBOUND ! -d 127.0.0.1/32 -o lo -p tcp -m owner --gid-owner 98 -j WEFT_INBOUND",
        "+ -A WEFT_OUTBOUND -m owner --uid-owner 99 -j RETURN",
        "+ -A WEFT_OUTBOUND -m owner --gid-owner 98 -j RETURN",
        "+ -A WEFT_OUT_REDIRECT -p tcp -j REDIRECT --to-ports 25001",
      ],
    ],
    [
      "some inbound ports only",
      { includeInboundPorts: ["9000", "80", "80"] },
      [
        "- -A WEFT_INBOUND -p tcp -j WEFT_IN_REDIRECT",
        "+ -A WEFT_INBOUND -p tcp -m tcp --dport 80 -j WEFT_IN_REDIRECT",
        "+ -A WEFT_INBOUND -p tcp -m tcp --dport 9000 -j WEFT_IN_REDIRECT",
      ],
    ],
    [
      "an excluded inbound port",
      { excludeInboundPorts: ["22"] },
      ["+ -A WEFT_INBOUND -p tcp -m tcp --dport 22 -j RETURN"],
    ],
    [
      "an excluded outbound port",
      { excludeOutboundPorts: ["5432"] },
      ["+ -A WEFT_OUTBOUND -p tcp -m tcp --dport 5432 -j RETURN"],
    ],
    [
      "some outbound ports only",
      { includeOutboundPorts: ["8080"] },
      [
        "- -A WEFT_OUTBOUND -p tcp -j WEFT_OUT_REDIRECT",
        "+ -A WEFT_OUTBOUND -p tcp -m tcp --dport 8080 -j WEFT_OUT_REDIRECT",
      ],
    ],
    [
      "some ranges only, of one family: the other is left alone",
      { includeOutboundCidrs: ["10.96.0.0/12"] },
      [
        "- -A WEFT_OUTBOUND -p tcp -j WEFT_OUT_REDIRECT",
        "+ -A WEFT_OUTBOUND -d 10.96.0.0/12 -p tcp -j WEFT_OUT_REDIRECT",
      ],
      ["- -A WEFT_OUTBOUND -p tcp -j WEFT_OUT_REDIRECT"],
    ],
    [
      "a port and a range: either",
      { includeOutboundPorts: ["8080"], includeOutboundCidrs: ["FD00::/8"] },
      [
        "- -A WEFT_OUTBOUND -p tcp -j WEFT_OUT_REDIRECT",
        "+ -A WEFT_OUTBOUND -p tcp -m tcp --dport 8080 -j WEFT_OUT_REDIRECT",
      ],
      [
        "- -A WEFT_OUTBOUND -p tcp -j WEFT_OUT_REDIRECT",
        "+ -A WEFT_OUTBOUND -p tcp -m tcp --dport 8080 -j WEFT_OUT_REDIRECT",
        "+ -A WEFT_OUTBOUND -d fd00::/8 -p tcp -j WEFT_OUT_REDIRECT",
      ],
    ],
    [
      "excluded ranges",
      { excludeOutboundCidrs: ["169.254.169.254", "fe80::/10"] },
      ["+ -A WEFT_OUTBOUND -d 169.254.169.254/32 -j RETURN"],
      ["+ -A WEFT_OUTBOUND -d fe80::/10 -j RETURN"],
    ],
    ["all addresses, said as a range", { includeOutboundCidrs: ["0.0.0.0/0", "::/0"] }, []],
    [
      "excluded users and groups",
      { excludeUids: ["0"], excludeGids: ["4294967294"] },
      [
        "+ -A WEFT_OUTBOUND -m owner --uid-owner 0 -j RETURN",
        "+ -A WEFT_OUTBOUND -m owner --gid-owner 4294967294 -j RETURN",
      ],
    ],
  ];
  for (const [name, input, ipv4, ipv6] of rows)
    it(name, () => {
      expect(difference(input)).toEqual(ipv4);
      if (ipv6 !== undefined) expect(difference(input, "ipv6")).toEqual(ipv6);
    });

  it("capture the questions to some servers only, each in its family", () => {
    const { ipv4, ipv6 } = rules({ captureDns: true, dnsPort: "5053", dnsServers: ["10.96.0.10", "fd00::a"] });
    const about = (text: string) => text.split("\n").filter((line) => / WEFT_DNS\S* .*(-d|-s) /.test(line));
    expect(about(ipv4)).toEqual([
      "-A WEFT_DNS -d 10.96.0.10/32 -p udp -m udp --dport 53 -j REDIRECT --to-ports 5053",
      "-A WEFT_DNS -d 10.96.0.10/32 -p tcp -m tcp --dport 53 -j REDIRECT --to-ports 5053",
      "-A WEFT_DNS_SENT -d 10.96.0.10/32 -p udp -m udp --dport 53 -j CT --zone 2",
      "-A WEFT_DNS_RECEIVED -s 10.96.0.10/32 -p udp -m udp --sport 53 -j CT --zone 1",
    ]);
    expect(about(ipv6)).toEqual([
      "-A WEFT_DNS -d fd00::a/128 -p udp -m udp --dport 53 -j REDIRECT --to-ports 5053",
      "-A WEFT_DNS -d fd00::a/128 -p tcp -m tcp --dport 53 -j REDIRECT --to-ports 5053",
      "-A WEFT_DNS_SENT -d fd00::a/128 -p udp -m udp --dport 53 -j CT --zone 2",
      "-A WEFT_DNS_RECEIVED -s fd00::a/128 -p udp -m udp --sport 53 -j CT --zone 1",
    ]);
  });

  it("exclude before they include", () => {
    const text = rules({
      captureDns: true,
      includeOutboundPorts: ["80"],
      excludeOutboundPorts: ["81"],
      excludeOutboundCidrs: ["10.0.0.0/8"],
      excludeUids: ["7"],
    }).ipv4;
    const at = (part: string) => {
      const position = text.indexOf(part);
      expect(position, part).toBeGreaterThan(0);
      return position;
    };
    const included = at("--dport 80 -j WEFT_OUT_REDIRECT");
    for (const part of [
      "--dport 81 -j RETURN",
      "-d 10.0.0.0/8 -j RETURN",
      "--uid-owner 7 -j RETURN",
      "-o lo -j RETURN",
    ])
      expect(at(part)).toBeLessThan(included);
    expect(at("-j WEFT_DNS\n")).toBeLessThan(at("WEFT_OUTBOUND -o lo -j RETURN"));
    expect(at("--uid-owner 7 -j RETURN")).toBeLessThan(at("-j WEFT_DNS\n"));
  });

  it("name only chains of ours", () => {
    const text = rules({ captureDns: true }).ipv4;
    for (const [, chain] of text.matchAll(/^:(\S+)/gm)) expect(chain?.startsWith(CHAIN_PREFIX)).toBe(true);
    for (const [, chain = ""] of text.matchAll(/ -j (\S+)/g))
      expect(["RETURN", "REDIRECT", "CT"].includes(chain) || text.includes(`\n:${chain} -`), chain).toBe(true);
  });
});

describe("the options", () => {
  const rows: readonly (readonly [InterceptionInput, string, string])[] = [
    [{ outboundPort: "0" }, "outboundPort", "from 1 to 65535"],
    [{ inboundPort: "65536" }, "inboundPort", "from 1 to 65535"],
    [{ inboundPort: "1e3" }, "inboundPort", '"1e3" is not a number'],
    [{ proxyUid: "0" }, "proxyUid", "from 1 to 4294967294"],
    [{ proxyGid: "4294967295" }, "proxyGid", "from 1 to 4294967294"],
    [{ excludeInboundPorts: ["22", "-j ACCEPT"] }, "excludeInboundPorts", '"-j ACCEPT" is not a number'],
    [{ excludeUids: ["root"] }, "excludeUids", '"root" is not a number'],
    [{ excludeOutboundCidrs: ["10.0.0.0/8\n-F"] }, "excludeOutboundCidrs", "no number after the slash"],
    [{ includeOutboundCidrs: ["10.0.0.1/8"] }, "includeOutboundCidrs", "10.0.0.0/8 may be meant"],
    [{ captureDns: true, dnsServers: ["10.0.0.0/8"] }, "dnsServers", "is a range"],
    [{ dnsServers: ["10.0.0.1"] }, "dnsServers", "no meaning unless DNS is captured"],
    [{ dnsPort: "5353" }, "dnsPort", "no meaning unless DNS is captured"],
    [{ outboundPort: "15006" }, "outboundPort", "must differ"],
    [{ captureDns: true, dnsPort: "15001" }, "outboundPort", "must differ"],
    [{ includeInboundPorts: ["80"], excludeInboundPorts: ["80"] }, "excludeInboundPorts", "80 is included too"],
    [{ captureDns: true, excludeOutboundPorts: ["53"] }, "excludeOutboundPorts", "choose one"],
    [{ excludeUids: Array.from({ length: MAX_LIST + 1 }, String) }, "excludeUids", `at most ${MAX_LIST}`],
  ];
  it.each(rows)("%j: %s %s", (input, option, message) => {
    const read = readInterceptionOptions(input);
    expect(read).toMatchObject({ ok: false, problems: [{ option, message: expect.stringContaining(message) }] });
  });

  it("are all read before anything is said", () => {
    const read = readInterceptionOptions({ inboundPort: "x", excludeUids: ["y"], excludeOutboundCidrs: ["z"] });
    expect(read).toMatchObject({
      problems: [{ option: "inboundPort" }, { option: "excludeOutboundCidrs" }, { option: "excludeUids" }],
    });
  });
});
