import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** scripts/kubernetes-tools.mjs builds it. */
const KUBERNETES_VERSION = "1.37.2";
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "weft");

export type Program =
  | "coredns"
  | "etcd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-proxy"
  | "kube-scheduler"
  | "kubelet";

/** Where a cluster's programs are, once they were built. */
export function programsFolder(): string {
  return process.env.WEFT_KUBERNETES ?? join(CACHE, `kubernetes-${KUBERNETES_VERSION}`);
}

/** The path of a cluster's program. Throws, saying how to get it, where it has not been built. */
export function program(name: Program): string {
  const path = join(programsFolder(), name);
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    throw new Error(`${path} is missing: run node scripts/kubernetes-tools.mjs, which builds it once`);
  }
}
