/*
 * Network namespaces for tests: one is a pod, with an address on a network that exists nowhere else. All of it is in
 * namespaces of our own names; the machine's own network and its rules are never touched.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Why namespaces cannot be used here; undefined where they can. Tests that need them are skipped with it. */
export const NO_NAMESPACES: string | undefined = reasonAgainst();

function reasonAgainst(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  const missing = ["ip", "iptables-restore", "ip6tables-restore", "setpriv"].filter(
    (program) => !folders.some((folder) => isExecutable(join(folder, program))),
  );
  return missing.length === 0 ? undefined : `needs ${missing.join(", ")}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const SYSTEM_PATH = `${process.env.PATH ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`;
const MAX_OUTPUT = 4 * 1024 * 1024;

/**
 * Waits for the end of its input, which comes when we close it or however we end; then ends every process in the
 * namespaces with our prefix, and removes them. Their interfaces and rules go with them.
 */
export const GUARD = `
cat >/dev/null
for ns in $(ip netns list | cut -d' ' -f1 | grep "^$0-"); do
  tries=0
  while pids=$(ip netns pids "$ns") && [ -n "$pids" ] && [ $tries -lt 100 ]; do
    kill -9 $pids 2>/dev/null
    tries=$((tries + 1))
    sleep 0.05
  done
  ip netns del "$ns"
done
`;

export interface RunOptions {
  /** User and group; default root. */
  readonly uid?: number;
  /** Capabilities beside those of the user, such as `dac_read_search`. */
  readonly capabilities?: readonly string[];
  /** Files that stand in the place of others, for this program only: path → the file to be seen there. */
  readonly mounts?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A namespace with an address on the network. */
export interface NetworkPod {
  readonly name: string;
  readonly address: string;
  readonly ipv6: string;
  /** Runs a program in it, to its end. */
  run(command: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Starts a program in it that runs until the network is removed. */
  start(command: readonly string[], options?: RunOptions): ChildProcess;
}

/** A network of its own: a bridge in a namespace, to which each pod has a cable. */
export interface PodNetwork {
  /** The namespace of the bridge. From it every pod is reached; it has no rules. */
  readonly gateway: NetworkPod;
  /** `last` is the last part of its addresses, 2 to 254. */
  addPod(name: string, last: number): NetworkPod;
  /** Ends all processes in the namespaces, and removes them. */
  remove(): Promise<void>;
}

let networks = 0;

export function createPodNetwork(purpose: string): PodNetwork {
  const prefix = `weft-${purpose}-${process.pid}-${++networks}`;
  const guard = spawn("/bin/sh", ["-c", GUARD, prefix], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: SYSTEM_PATH },
  });
  const removed = new Promise<void>((done) => guard.once("close", () => done()));
  let cables = 0;
  const create = (name: string, last: number) => {
    const namespace = `${prefix}-${name}`;
    ip("netns", "add", namespace);
    ip("-n", namespace, "link", "set", "lo", "up");
    return podOf(name, namespace, last);
  };
  const gatewayNamespace = `${prefix}-gateway`;
  const gateway = create("gateway", 1);
  ip("-n", gatewayNamespace, "link", "add", "bridge", "type", "bridge");
  ip("-n", gatewayNamespace, "link", "set", "bridge", "up");
  addAddresses(gatewayNamespace, "bridge", gateway);
  return {
    gateway,
    addPod: (name, last) => {
      const pod = create(name, last);
      const namespace = `${prefix}-${name}`;
      const plug = `pod${++cables}`;
      ip("-n", namespace, "link", "add", "eth0", "type", "veth", "peer", "name", plug, "netns", gatewayNamespace);
      ip("-n", gatewayNamespace, "link", "set", plug, "master", "bridge", "up");
      ip("-n", namespace, "link", "set", "eth0", "up");
      addAddresses(namespace, "eth0", pod);
      // What has no other way must have one before it can be redirected: the addresses of services.
      ip("-n", namespace, "route", "add", "default", "via", gateway.address);
      ip("-n", namespace, "-6", "route", "add", "default", "via", gateway.ipv6);
      return pod;
    },
    remove: async () => {
      guard.stdin?.end();
      await removed;
    },
  };
}

function addAddresses(namespace: string, link: string, { address, ipv6 }: NetworkPod): void {
  ip("-n", namespace, "addr", "add", `${address}/16`, "dev", link);
  ip("-n", namespace, "addr", "add", `${ipv6}/64`, "dev", link, "nodad");
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"], env: { PATH: SYSTEM_PATH } });
}

function podOf(name: string, namespace: string, last: number): NetworkPod {
  const start = (command: readonly string[], options: RunOptions = {}): ChildProcess => {
    const args = ["netns", "exec", namespace, ...mounted(options), ...asUser(options), ...command];
    return spawn("ip", args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, PATH: SYSTEM_PATH, ...options.env },
    });
  };
  return {
    name,
    address: `10.77.0.${last}`,
    ipv6: `fd77::${last}`,
    start,
    run: (command, options = {}) =>
      new Promise((done, fail) => {
        const child = start(command, options);
        const texts = { stdout: "", stderr: "" };
        for (const stream of ["stdout", "stderr"] as const)
          child[stream]?.setEncoding("utf8").on("data", (text: string) => {
            texts[stream] = (texts[stream] + text).slice(-MAX_OUTPUT);
          });
        child.once("error", fail);
        child.once("close", (code) => done({ code: code ?? -1, ...texts }));
        child.stdin?.on("error", () => {});
        child.stdin?.end(options.input ?? "");
      }),
  };
}

/** `ip netns exec` gives each command mounts of its own. */
function mounted({ mounts = {} }: RunOptions): string[] {
  const pairs = Object.entries(mounts);
  if (pairs.length === 0) return [];
  const each = pairs.map((_, i) => `mount --bind "$${2 * i + 1}" "$${2 * i + 2}"`).join(" && ");
  const script = `${each} && shift ${2 * pairs.length} && exec "$@"`;
  return ["/bin/sh", "-c", script, "sh", ...pairs.flatMap(([path, file]) => [file, path])];
}

function asUser({ uid, capabilities = [] }: RunOptions): string[] {
  if (uid === undefined) return [];
  const sets = capabilities.map((name) => `+${name}`).join(",");
  const kept = capabilities.length === 0 ? [] : ["--inh-caps", sets, "--ambient-caps", sets];
  return ["setpriv", "--reuid", String(uid), "--regid", String(uid), "--clear-groups", ...kept];
}
