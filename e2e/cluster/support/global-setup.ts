import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

const SCRIPT = fileURLToPath(new URL("../../../scripts/cluster.mjs", import.meta.url));

/** Where the cluster of all stories is. */
export interface ClusterPlace {
  readonly kubeconfig: string;
  /** Of a cluster of our own on this machine: what its daemons are told through, and where their logs are. */
  readonly folder?: string;
  /** Of the same: this machine's address, as pods see it. */
  readonly machine?: string;
}

declare module "vitest" {
  export interface ProvidedContext {
    cluster: ClusterPlace;
  }
}

/** One cluster for all stories: the one that `--kubeconfig` names, else one that is made and removed. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.WEFT_E2E_KUBECONFIG;
  if (given !== undefined) {
    project.provide("cluster", { kubeconfig: given });
    return async () => {};
  }
  const child = spawn(process.execPath, [SCRIPT, "--until-input-ends"], { stdio: ["pipe", "pipe", "inherit"] });
  project.provide("cluster", await placeOf(child));
  return async () => {
    const ended = new Promise((done) => child.once("close", done));
    child.stdin.end();
    await ended;
  };
}

function placeOf(child: ChildProcess): Promise<ClusterPlace> {
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => fail(new Error(`no cluster could be made (exit ${code}); the reason is above`)));
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{")) done(JSON.parse(line) as ClusterPlace);
      else console.log(line);
    });
  });
}
