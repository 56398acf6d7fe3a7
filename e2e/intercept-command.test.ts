import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createPodNetwork,
  GUARD,
  type NetworkPod,
  NO_NAMESPACES,
  type PodNetwork,
} from "../test/network-namespaces.js";
import { startPodApp } from "./support/pod-app.js";
import { waitFor } from "./support/wait-for.js";
import { ROOT } from "./support/weft.js";

const WEFT = [process.execPath, join(ROOT, "cli/bin/weft.mjs"), "intercept"];
const suffix = NO_NAMESPACES === undefined ? "" : ` (${NO_NAMESPACES})`;

/** Without what changes by itself: comments with the time, and counters. */
const stable = (text: string) => text.replaceAll(/^#.*\n/gm, "").replaceAll(/\[\d+:\d+\]/g, "[0:0]");
/** Without tables that say nothing: a table cannot be taken away, once something was in it. */
const meaning = (text: string) => stable(text).replaceAll(/^\*\w+\n(:\w+ ACCEPT \[0:0\]\n)+COMMIT\n/gm, "");

describe.skipIf(NO_NAMESPACES !== undefined)(`weft intercept${suffix}`, () => {
  let network: PodNetwork;
  let pod: NetworkPod;
  beforeEach(() => {
    network = createPodNetwork("intercept");
    pod = network.addPod("web", 2);
  });
  afterEach(() => network.remove());

  const intercept = (...args: string[]) => pod.run([...WEFT, ...args]);
  const saved = async (backend: string): Promise<string> => {
    const texts = await Promise.all(["iptables", "ip6tables"].map((name) => pod.run([`${name}-${backend}-save`])));
    return texts.map(({ stdout }) => stdout).join("");
  };

  describe.each(["nft", "legacy"])("by %s", (backend) => {
    const other = backend === "nft" ? "legacy" : "nft";

    it("writes once, replaces when options change, and leaves nothing", async () => {
      const before = await saved(backend);
      const first = await intercept("--backend", backend, "--capture-dns");
      expect(first).toMatchObject({ code: 0, stderr: "" });
      expect(first.stdout).toContain(`IPv4 (${backend}): the rules are in force, and checked`);
      expect(first.stdout).toContain(`IPv6 (${backend}): the rules are in force, and checked`);
      const once = await saved(backend);
      expect(once.match(/-j WEFT_INBOUND$/gm)).toHaveLength(6);

      // From here on it must find the way that is in use.
      const again = await intercept("--capture-dns", "-o", "json");
      expect(JSON.parse(again.stdout)).toMatchObject({
        ok: true,
        families: [
          { family: "ipv4", backend, changed: false },
          { family: "ipv6", backend, changed: false },
        ],
      });
      expect(stable(await saved(backend))).toBe(stable(once));

      expect((await intercept("--check")).code).toBe(1);
      const changed = await intercept("--exclude-outbound-cidr", "10.0.0.0/8,fd00::/8", "--exclude-uid", "7");
      expect(changed.code).toBe(0);
      const replaced = await saved(backend);
      expect(replaced).not.toContain("WEFT_DNS");
      expect(replaced).toContain("-A WEFT_OUTBOUND -d 10.0.0.0/8 -j RETURN\n");
      expect(replaced).toContain("-A WEFT_OUTBOUND -d fd00::/8 -j RETURN\n");
      expect((await saved(other)).includes("WEFT")).toBe(false);

      expect(await intercept("--undo")).toMatchObject({ code: 0, stdout: expect.stringContaining("are removed") });
      expect(meaning(await saved(backend))).toBe(meaning(before));
      expect(await intercept("--undo")).toMatchObject({ code: 0, stdout: expect.stringContaining("were no rules") });
    });

    it("leaves the rules of others, byte for byte", async () => {
      const input = `*nat
:DOCKER_OUTPUT - [0:0]
-A PREROUTING -p tcp -m tcp --dport 9 -j REDIRECT --to-ports 10
-A OUTPUT -d 127.0.0.11/32 -j DOCKER_OUTPUT
-A DOCKER_OUTPUT -d 127.0.0.11/32 -p udp -m udp --dport 53 -j DNAT --to-destination 127.0.0.11:41
COMMIT
*raw
-A OUTPUT -p udp -m udp --dport 9 -j ACCEPT
COMMIT
`;
      const written = await pod.run([`iptables-${backend}-restore`, "--noflush"], { input });
      expect(written).toMatchObject({ code: 0 });
      const before = await saved(backend);
      expect(JSON.parse((await intercept("--capture-dns", "-o", "json")).stdout).families[0].backend).toBe(backend);
      const with_ = await saved(backend);
      for (const line of stable(before).split("\n")) expect(with_).toContain(line.replace("[0:0]", ""));
      expect((await intercept("--undo")).code).toBe(0);
      const ipv4 = (text: string) => stable(text).split("COMMIT\n").slice(0, 2).join("");
      expect(ipv4(await saved(backend))).toBe(ipv4(before));
    });

    it("mends what was tampered with, and tells of it before", async () => {
      expect((await intercept("--backend", backend)).code).toBe(0);
      const tamper = (...args: string[]) => pod.run([`iptables-${backend}`, "-t", "nat", ...args]);
      expect((await tamper("-D", "WEFT_OUTBOUND", "-o", "lo", "-j", "RETURN")).code).toBe(0);
      expect((await tamper("-A", "OUTPUT", "-j", "WEFT_OUTBOUND")).code).toBe(0);
      const checked = await intercept("--check");
      expect(checked.code).toBe(1);
      expect(checked.stdout).toContain("- nat WEFT_OUTBOUND -o lo -j RETURN");
      expect(checked.stdout).toContain("- nat OUTPUT has its rules in another order or twice");
      expect((await intercept()).code).toBe(0);
      expect((await intercept("--check")).code).toBe(0);
    });

    it("takes every option that there is", async () => {
      const options = [
        ...["--inbound-port", "25006", "--outbound-port", "25001", "--uid", "2337", "--gid", "2338"],
        ...["--include-inbound-port", "80,8080", "--exclude-inbound-port", "22", "--include-outbound-port", "443"],
        ...["--exclude-outbound-port", "5432", "--include-outbound-cidr", "0.0.0.0/0,2001:DB8::/32,::ffff:10.0.0.1"],
        ...[
          "--exclude-outbound-cidr",
          "169.254.169.254,fe80::/10",
          "--exclude-uid",
          "0,4294967294",
          "--exclude-gid",
          "5",
        ],
        ...["--capture-dns", "--dns-port", "5053", "--dns-server", "10.96.0.10,fd00::a"],
      ];
      expect(await intercept("--backend", backend, ...options)).toMatchObject({ code: 0, stderr: "" });
      // The texts are equal to what iptables prints, or this would have failed.
      expect((await intercept("--check", ...options)).code).toBe(0);
      const dry = await intercept("--dry-run", "-o", "json", ...options);
      const rules = (text: string) => text.match(/^(-A .*|:WEFT.*)$/gm)?.sort();
      const { ipv4, ipv6 } = JSON.parse(dry.stdout);
      expect(rules(stable(await saved(backend)))).toEqual(rules(ipv4 + ipv6));
    });
  });

  it.each(["nft", "legacy"])("keeps the sidecar's DNS questions apart from the app's, by %s", async (backend) => {
    const resolver = startPodApp(network.addPod("resolver", 53), { uid: 0 });
    await resolver.do("serveUdp", { port: 53 });
    expect((await intercept("--backend", backend, "--capture-dns")).code).toBe(0);
    const [app, sidecar] = [startPodApp(pod), startPodApp(pod, { uid: 1337 })];
    await sidecar.do("serveUdp", { port: 15053, host: "127.0.0.1" });
    const host = resolver.pod.address;
    // The sidecar answers the app, in the resolver's name. Then it asks from the port that the app had.
    const asked = await app.do("udp", { host, port: 53, send: "a question", from: 40_000 });
    expect(asked).toEqual({ text: `web got a question from ${pod.address}`, from: host });
    const passedOn = await sidecar.do("udp", { host, port: 53, send: "a question", from: 40_000 });
    expect(passedOn).toEqual({ text: `resolver got a question from ${pod.address}`, from: host });
  });

  it("goes from one way to the other without leaving both", async () => {
    expect((await intercept("--backend", "legacy")).code).toBe(0);
    expect((await intercept("--backend", "nft")).code).toBe(0);
    expect(await saved("legacy")).not.toContain("WEFT");
    expect(await saved("nft")).toContain("WEFT");
  });

  it("puts the address from which a sidecar calls its app on loopback, and takes it away", async () => {
    const addresses = async () => (await pod.run(["ip", "-6", "addr", "show", "dev", "lo"])).stdout;
    expect((await intercept()).code).toBe(0);
    expect(await addresses()).toContain("inet6 ::6/128");
    expect((await pod.run(["ip", "-6", "addr", "del", "::6/128", "dev", "lo"])).code).toBe(0);
    expect(await intercept("--check")).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("the address ::6 on lo"),
    });
    expect((await intercept()).code).toBe(0);
    expect((await intercept("--check")).code).toBe(0);
    expect((await intercept("--undo")).code).toBe(0);
    expect(await addresses()).not.toContain("::6/128");
  });

  it("leaves IPv6 alone when asked, and says so", async () => {
    const { code, stdout } = await intercept("--ipv4-only");
    expect(code).toBe(0);
    expect(stdout).toContain("IPv6: nothing done, left alone");
    expect((await pod.run(["ip6tables-save"])).stdout).not.toContain("WEFT");
  });

  it("needs NET_ADMIN, and says how to get it; printing needs nothing", async () => {
    const options = { uid: 12_345, capabilities: ["dac_read_search"] };
    const refused = await pod.run(WEFT, options);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/needs the capability NET_ADMIN.*\nFix: run it as root/);
    const printed = await pod.run([...WEFT, "--dry-run"], options);
    expect(printed.code).toBe(0);
    expect(printed.stdout).toMatch(
      /^# iptables-restore --noflush\n\*nat\n[\s\S]*# ip6tables-restore --noflush\n\*nat\n/,
    );
  });

  it("names the program that is missing", async () => {
    // Mounts of this command only: the folders with the programs are empty.
    const hide = 'for d in /usr/local/sbin /usr/sbin; do mount -t tmpfs none $d; done; exec "$0" "$@"';
    const { code, stderr } = await pod.run(["/bin/sh", "-c", hide, ...WEFT], { env: { PATH: "/bin:/usr/bin" } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/iptables-restore is neither in PATH nor in .*\nFix: install iptables/);
  });

  it("names all flags that are wrong", async () => {
    const { code, stderr } = await intercept(
      "--inbound-port",
      "x",
      "--exclude-outbound-cidr",
      "10.0.0.1/8",
      "--uid",
      "0",
    );
    expect(code).toBe(2);
    expect(stderr).toContain('--inbound-port: "x" is not a number');
    expect(stderr).toContain('--exclude-outbound-cidr: "10.0.0.1/8" has bits set behind its prefix: 10.0.0.0/8');
    expect(stderr).toContain("--uid: ");
    expect((await intercept("--undo", "--check")).code).toBe(2);
    expect((await intercept("--backend", "ebtables")).code).toBe(2);
  });
});

describe.skipIf(NO_NAMESPACES !== undefined)(`namespaces of tests${suffix}`, () => {
  const prefix = `weft-guarded-${process.pid}`;
  let owner: ReturnType<typeof spawn>;
  beforeAll(() => {
    const script = `
      const { spawn, execFileSync } = require("node:child_process");
      spawn("/bin/sh", ["-c", process.argv[1], process.argv[2]], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
      execFileSync("ip", ["netns", "add", process.argv[2] + "-a"]);
      spawn("ip", ["netns", "exec", process.argv[2] + "-a", "sleep", "600"], { detached: true, stdio: "ignore" });
      console.log("up");
      setInterval(() => {}, 1000);`;
    owner = spawn(process.execPath, ["-e", script, GUARD, prefix], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    });
  });
  afterAll(() => void owner.kill("SIGKILL"));

  it("are removed, with what runs in them, when whoever made them is killed", async () => {
    await new Promise((done) => owner.stdout?.once("data", done));
    const file = `/run/netns/${prefix}-a`;
    expect(existsSync(file)).toBe(true);
    owner.kill("SIGKILL");
    await waitFor("the namespace to go", () => (existsSync(file) ? undefined : true));
  });
});
