import { join } from "node:path";

export interface WorkloadName {
  readonly namespace: string;
  readonly name: string;
}

/** The folder of a workload: `<namespace>.<name>`. A namespace has no dot in it, so that this is unique. */
export function workloadFolder(workloadsDir: string, { namespace, name }: WorkloadName): string {
  return join(workloadsDir, `${namespace}.${name}`);
}

/** The workload that a folder of this name is for, or undefined when it is none. */
export function workloadOfFolder(folderName: string): WorkloadName | undefined {
  const dot = folderName.indexOf(".");
  if (dot <= 0 || dot === folderName.length - 1) return undefined;
  return { namespace: folderName.slice(0, dot), name: folderName.slice(dot + 1) };
}

/** Files of a workload's identity, relative to its folder. */
export const WORKLOAD_FILES = {
  /** What Envoy watches. */
  directory: "identity",
  privateKey: "identity/key.pem",
  certificateChain: "identity/cert.pem",
  trustBundle: "identity/root.pem",
  /** The request; the signer of the folder looks for it. */
  request: "identity/request.pem",
} as const;

/** No file of an identity is larger. */
export const MAX_PEM_BYTES = 64 * 1024;
