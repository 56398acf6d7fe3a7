// node scripts/cluster.mjs: a Kubernetes to try things on, with Weft's images in it, until Ctrl-C; nothing of it is left.
// With --until-input-ends, as the tests start it, its last line is JSON. On a machine with Docker and kind it is theirs.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCluster } from "../e2e/cluster/node/cluster.mjs";
import { missingPackages } from "../e2e/cluster/node/daemons.mjs";
import { writeAppImage } from "../e2e/cluster/node/images.mjs";
import { writeImages } from "./images.mjs";
import { kubernetesToolsOrExit } from "./kubernetes-tools.mjs";
import { findOnPath, setupOrExit } from "./setup.mjs";

const held = process.argv.includes("--until-input-ends");
const began = Date.now();
const say = (text) => console.log(`cluster ${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`);

/** Why this machine can make no cluster; undefined where it can. */
function reasonAgainst() {
  if (process.platform !== "linux") return "a cluster on this machine needs Linux; elsewhere install Docker and kind";
  if (process.getuid() !== 0)
    return "a cluster on this machine needs root; without it install Docker and kind, or give --kubeconfig";
  const missing = missingPackages();
  if (missing.length > 0) return `missing: apt-get install -y --no-install-recommends ${missing.join(" ")}`;
  return undefined;
}

function hasKind() {
  return findOnPath("kind") !== undefined && spawnSync("docker", ["info"], { stdio: "ignore" }).status === 0;
}

/** With kind the node is a container, and what is in the tests' own node is in its image. */
async function startKindCluster(images) {
  const folder = mkdtempSync(join(tmpdir(), "weft-kind-"));
  const name = `weft-${process.pid}`;
  const kubeconfig = join(folder, "kubeconfig");
  const kind = (...args) => execFileSync("kind", args, { stdio: ["ignore", "inherit", "inherit"] });
  const remove = async () => {
    kind("delete", "cluster", "--name", name, "--kubeconfig", kubeconfig);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    kind("create", "cluster", "--name", name, "--kubeconfig", kubeconfig, "--wait", "180s");
    for (const archive of [await writeAppImage(folder), ...(await images(folder))])
      kind("load", "image-archive", archive, "--name", name);
    return { kubeconfig, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

const kind = hasKind();
const reason = kind ? undefined : reasonAgainst();
if (reason !== undefined) {
  console.error(`cluster: ${reason}`);
  process.exit(1);
}
const tools = await setupOrExit();
const { WEFT_KUBERNETES: programs } = await kubernetesToolsOrExit();
const images = (folder) => writeImages(folder, tools);
let cluster;
try {
  cluster = kind
    ? await startKindCluster(images)
    : await startCluster({ program: (name) => join(programs, name), images, say });
} catch (error) {
  console.error(`cluster: ${error.message}`);
  process.exit(1);
}
const { kubeconfig, folder, machine } = cluster;
if (held) {
  console.log(JSON.stringify({ kubeconfig, folder, machine }));
  process.stdin.resume();
  await new Promise((done) => process.stdin.once("end", done));
} else {
  say("ready. Ctrl-C removes it.");
  console.log(`export KUBECONFIG=${kubeconfig}`);
  await new Promise((done) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, done);
    // Signals alone do not keep a process.
    setInterval(() => {}, 2 ** 30);
  });
}
await cluster.remove();
process.exit(0);
