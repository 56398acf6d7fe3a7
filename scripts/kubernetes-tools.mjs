// The programs of a cluster on this machine, built from their Go modules once and kept outside of the repository:
// Kubernetes, etcd, CoreDNS; kubectl and helm are taken from the PATH where they are there.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CACHE, findOnPath, hashOf, ROOT, requireGo, run, SetupError, say, setupOrExit } from "./setup.mjs";

/** The tests know it too: test/kubernetes/programs.ts. */
const KUBERNETES_VERSION = "1.37.2";
const SOURCES = join(ROOT, "scripts", "kubernetes-tools");

const FLAGS = ["-buildvcs=false", "-trimpath"];
const KUBERNETES_LINK = `-s -w -X k8s.io/component-base/version.gitVersion=v${KUBERNETES_VERSION}`;

/** Each as: its name, the folder of the module that pins it, its package, and how it is linked. */
const PROGRAMS = [
  ["etcd", "etcd", "go.etcd.io/etcd/server/v3"],
  ...["kube-apiserver", "kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy"].map((name) => [
    name,
    "kubernetes",
    `k8s.io/kubernetes/cmd/${name}`,
    KUBERNETES_LINK,
  ]),
  ["coredns", "coredns", "."],
  ["pause", "pause", "."],
];
const TAKEN_FROM_PATH = [
  ["kubectl", "kubernetes", "k8s.io/kubernetes/cmd/kubectl", KUBERNETES_LINK],
  ["helm", "helm", "helm.sh/helm/v4/cmd/helm"],
];

/** Builds a program unless it is there, made from the same versions of everything. */
async function build(folder, [name, module, goPackage, link = "-s -w"]) {
  const source = join(SOURCES, module);
  const path = join(folder, name);
  const stamp = join(folder, `.${name}`);
  const hash = hashOf(readFileSync(join(source, "go.mod")), readFileSync(join(source, "go.sum")), goPackage, link);
  if (existsSync(path) && existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return path;
  const go = requireGo(`build ${name}`);
  const began = Date.now();
  say(name, "building it from its Go module, once");
  // Another set-up may be doing the same, and one that is interrupted leaves no half of a program.
  const scratch = mkdtempSync(join(folder, ".build-"));
  try {
    await run(go, ["build", ...FLAGS, "-ldflags", link, "-o", join(scratch, name), goPackage], {
      cwd: source,
      // An image holds nothing beside pause; the others are linked as they come out of Go's cache.
      env: { ...process.env, GOFLAGS: "", ...(name === "pause" ? { CGO_ENABLED: "0" } : {}) },
    });
    renameSync(join(scratch, name), path);
    writeFileSync(stamp, hash);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  say(name, `built in ${Math.round((Date.now() - began) / 1000)} s`);
  return path;
}

/**
 * Builds what is missing. `WEFT_KUBERNETES` is the folder with a cluster's programs, `WEFT_KUBECTL` and `WEFT_HELM` name one each.
 * @returns {Promise<Record<string, string>>} these as environment variables
 */
export async function kubernetesTools() {
  const folder = process.env.WEFT_KUBERNETES ?? join(CACHE, `kubernetes-${KUBERNETES_VERSION}`);
  if (process.env.WEFT_KUBERNETES === undefined) {
    mkdirSync(folder, { recursive: true });
    for (const program of PROGRAMS) await build(folder, program);
  }
  const found = { WEFT_KUBERNETES: folder };
  for (const program of TAKEN_FROM_PATH) {
    const variable = `WEFT_${program[0].toUpperCase()}`;
    found[variable] = process.env[variable] ?? findOnPath(program[0]) ?? (await build(folder, program));
  }
  return found;
}

/** Builds them, or ends the process with its message. */
export async function kubernetesToolsOrExit() {
  try {
    return await kubernetesTools();
  } catch (error) {
    console.error(error instanceof SetupError ? `setup failed: ${error.message}` : error);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await setupOrExit();
  for (const [variable, path] of Object.entries(await kubernetesToolsOrExit())) say("done", `${variable}=${path}`);
}
