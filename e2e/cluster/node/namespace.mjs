// A place for a cluster on this machine: namespaces of its own, and a cable to the machine. Nothing of it outlives it.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const INIT = fileURLToPath(new URL("./init.sh", import.meta.url));
const START_LIMIT_MS = 60_000;

/**
 * Ends with its input: then the namespaces end, and what the kernel does not take away with them is removed, the control
 * groups of pods ($1 names them) and the folder ($0). It is nobody's child, so that it does its work however we end.
 */
const HOLD = `
unshare --fork --pid --mount --net --mount-proc --kill-child -- "$2" "$0" "$3" "$4"
for root in /sys/fs/cgroup/$1 /sys/fs/cgroup/*/$1; do
  [ -d "$root" ] || continue
  tries=0
  until find "$root" -depth -type d -exec rmdir {} + 2>/dev/null || [ ! -d "$root" ] || [ $tries -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
done
rm -rf "$0"
`;

/**
 * @returns {Promise<{folder: string, cgroup: string, subnet: string, address: string, machine: string,
 *   enter: (command: readonly string[]) => string[], tell: (verb: string, name: string) => void, remove: () => Promise<void>}>}
 *   `address` is the node's, `machine` ours on the cable; `enter` makes a command one that runs inside
 */
export async function createNamespace() {
  const folder = mkdtempSync(join(tmpdir(), "weft-cluster-"));
  const cgroup = folder.slice(tmpdir().length + 1);
  for (const name of ["run", "logs", "daemons"]) mkdirSync(join(folder, name));
  execFileSync("mkfifo", [join(folder, "control")]);
  const net = freeNet();
  const subnet = `10.${net}`;
  const machine = `${subnet}.255.1`;
  const address = `${subnet}.255.2`;
  const holder = spawn("/bin/sh", ["-c", HOLD, folder, cgroup, INIT, address, machine], {
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  holder.stdout.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  const ended = new Promise((done) => holder.once("close", done));
  const remove = async () => {
    holder.stdin.end();
    await ended;
  };
  try {
    const pid = await until("the first process of the cluster", () => childOf(childOf(holder.pid)));
    // Its namespaces are made before it runs.
    await until("the namespaces of the cluster", () =>
      readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("init.sh"),
    );
    const cable = `weft-net-${net}`;
    ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", String(pid));
    ip("addr", "add", `${machine}/30`, "dev", cable);
    ip("link", "set", cable, "up");
    await until("the network of the cluster", () => said.includes("ready"));
    return {
      folder,
      cgroup,
      subnet,
      address,
      machine,
      enter: (command) => ["nsenter", "-t", String(pid), "-m", "-n", "-p", "--", ...command],
      tell: (verb, name) => execFileSync("/bin/sh", ["-c", 'echo "$1 $2" >"$0"', join(folder, "control"), verb, name]),
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** A second number of 10.x that this machine has no way to yet. */
function freeNet() {
  const routes = execFileSync("ip", ["-4", "route", "show", "table", "all"], { encoding: "utf8" });
  for (;;) {
    const net = 100 + Math.floor(Math.random() * 150);
    if (!routes.includes(`10.${net}.`)) return net;
  }
}

function childOf(pid) {
  const children = pid === undefined ? "" : readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return children === "" ? undefined : Number(children.split(" ")[0]);
}

function ip(...args) {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "inherit"] });
}

/** Asks until the answer is truthy; a question that throws is one without an answer yet. */
export async function until(what, ask, limitMs = START_LIMIT_MS, seen = () => "") {
  const end = Date.now() + limitMs;
  for (;;) {
    let answer;
    try {
      answer = await ask();
    } catch {
      // Not yet.
    }
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${limitMs / 1000} s for ${what}\n${seen()}`);
    await sleep(100);
  }
}
