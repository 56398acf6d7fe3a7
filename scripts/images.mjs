// node scripts/images.mjs DIR: writes the images of images/ into DIR, as archives that `ctr images import` takes, and one
// of the sidecar. No container engine is needed: they are made of this machine's programs, and are for tests.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { writeImageArchive } from "./oci-archive.mjs";
import { ENVOY_VERSION, ROOT, setupOrExit } from "./setup.mjs";

/** As the chart names them where no value says otherwise. */
const REGISTRY = "docker.io/library";
/** The compiler of plugins: a control plane runs what others compiled. The Dockerfile leaves it out too. */
const LEFT_OUT = ["assemblyscript", "binaryen"];
const USER = 65532;

function output(command, args, options = {}) {
  const ran = spawnSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 26, ...options });
  if (ran.status === 0) return ran.stdout;
  throw new Error(`${command} ${args.join(" ")} failed: ${ran.error?.message ?? ran.stderr}`);
}

function copyTo(root, from, to = from) {
  const target = join(root, to);
  if (existsSync(target)) return;
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(realpathSync(from), target);
}

/** Copies a program, or a library, with the libraries that it is linked with. */
export function copyProgram(root, from, to = from) {
  copyTo(root, from, to);
  const linked = spawnSync("ldd", [from], { encoding: "utf8" }).stdout ?? "";
  for (const [, library] of linked.matchAll(/(\/\S+) \(0x/g)) copyTo(root, library);
}

function which(name) {
  return output("sh", ["-c", `command -v ${name}`], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  }).trim();
}

function writeText(root, path, text) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** What a program asks the C library for: names of users, and how hosts are looked up. */
export function writeAccounts(root) {
  const users = ["root:x:0:0::/:/sbin/nologin", `weft:x:${USER}:${USER}::/:/sbin/nologin`];
  writeText(root, "/etc/passwd", `${users.join("\n")}\n`);
  writeText(root, "/etc/group", `root:x:0:\nweft:x:${USER}:\n`);
  writeText(root, "/etc/nsswitch.conf", "hosts: files dns\n");
  mkdirSync(join(root, "tmp"), { recursive: true });
}

/** The packages as they are published, with what they need at run time, as the lock file has it. */
function copyPackages(root, scratch) {
  const packed = join(scratch, "packed");
  mkdirSync(packed);
  output("npm", ["pack", "--workspaces", "--silent", "--pack-destination", packed], { cwd: ROOT });
  const app = join(root, "app");
  for (const file of readdirSync(packed)) {
    const unpacked = mkdtempSync(join(scratch, "package-"));
    output("tar", ["-xzf", join(packed, file), "-C", unpacked]);
    const { name } = JSON.parse(readFileSync(join(unpacked, "package", "package.json"), "utf8"));
    cpSync(join(unpacked, "package"), join(app, "node_modules", name), { recursive: true });
  }
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const needed = Object.entries(packages).filter(
    ([path, { dev, link }]) => path.startsWith("node_modules/") && !dev && !link && existsSync(join(ROOT, path)),
  );
  for (const [path] of needed) {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
    if (LEFT_OUT.includes(name) || existsSync(join(app, path))) continue;
    // One package may be inside of another that was copied whole.
    cpSync(join(ROOT, path), join(app, path), { recursive: true });
  }
  symlinkSync("node_modules/weft/bin/weft.mjs", join(app, "weft.mjs"));
}

async function controlPlane(path, { envoy }, scratch) {
  const programs = join(scratch, "programs");
  const packages = join(scratch, "packages");
  copyProgram(programs, process.execPath, "/usr/local/bin/node");
  copyProgram(programs, envoy, "/usr/local/bin/envoy");
  writeAccounts(programs);
  copyPackages(packages, scratch);
  return writeImageArchive({
    path,
    name: `${REGISTRY}/weft-control-plane:${version()}`,
    layers: [programs, packages],
    config: {
      User: `${USER}:${USER}`,
      WorkingDir: "/app",
      Env: ["PATH=/usr/local/bin:/usr/bin:/bin", "NODE_ENV=production"],
      Entrypoint: ["/usr/local/bin/node", "/app/weft.mjs"],
    },
  });
}

/** Sets up interception in a pod: iptables in both of its forms, `ip`, and a shell. */
async function init(path, _, scratch) {
  const root = join(scratch, "init");
  for (const program of ["sh", "ip"]) copyProgram(root, which(program), `/usr/bin/${program}`);
  for (const program of ["xtables-nft-multi", "xtables-legacy-multi"]) {
    const from = which(program);
    copyProgram(root, from, `/usr/sbin/${program}`);
  }
  for (const family of ["iptables", "ip6tables"])
    for (const verb of ["", "-restore", "-save"]) {
      symlinkSync("xtables-nft-multi", join(root, `/usr/sbin/${family}${verb}`));
      symlinkSync("xtables-nft-multi", join(root, `/usr/sbin/${family}-nft${verb}`));
      symlinkSync("xtables-legacy-multi", join(root, `/usr/sbin/${family}-legacy${verb}`));
    }
  const extensions = dirname(
    output("sh", [
      "-c",
      "ls /usr/lib/*/xtables/libxt_owner.so /usr/lib/xtables/libxt_owner.so 2>/dev/null; true",
    ]).split("\n")[0],
  );
  for (const file of readdirSync(extensions)) copyProgram(root, join(extensions, file));
  symlinkSync("usr/bin", join(root, "bin"));
  symlinkSync("usr/sbin", join(root, "sbin"));
  writeAccounts(root);
  mkdirSync(join(root, "run"), { recursive: true });
  return writeImageArchive({
    path,
    name: `${REGISTRY}/weft-init:${version()}`,
    layers: [root],
    config: { Env: ["PATH=/usr/sbin:/usr/bin"], Entrypoint: ["/usr/bin/sh"] },
  });
}

/** In the place of the official image, whose entry point runs `envoy` too. */
async function proxy(path, { envoy }, scratch) {
  const root = join(scratch, "proxy");
  copyProgram(root, envoy, "/usr/local/bin/envoy");
  writeAccounts(root);
  return writeImageArchive({
    path,
    name: `docker.io/envoyproxy/envoy:v${ENVOY_VERSION}`,
    layers: [root],
    config: { Env: ["PATH=/usr/local/bin"], Entrypoint: ["/usr/local/bin/envoy"] },
  });
}

function version() {
  return JSON.parse(readFileSync(join(ROOT, "cli", "package.json"), "utf8")).version;
}

const IMAGES = { "weft-control-plane": controlPlane, "weft-init": init, envoy: proxy };

/**
 * Writes all images into a folder.
 * @param {{envoy: string}} tools
 * @returns {Promise<string[]>} the archives
 */
export async function writeImages(folder, tools) {
  const archives = [];
  for (const [name, write] of Object.entries(IMAGES)) {
    const scratch = mkdtempSync(join(tmpdir(), "weft-image-"));
    try {
      archives.push(await write(join(folder, `${name}.tar`), tools, scratch));
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
  return archives;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) {
    console.error("usage: node scripts/images.mjs DIR");
    process.exit(2);
  }
  const tools = await setupOrExit();
  for (const archive of await writeImages(resolve(folder), tools)) console.log(archive);
}
