import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { NetworkPod } from "../../test/network-namespaces.js";

const APP = fileURLToPath(new URL("../interception/app.mjs", import.meta.url));
/** Of the apps: not root, and not the sidecar's. */
export const APP_UID = 2000;

/** The app in a pod: servers, and a client that sends what a test tells it to. */
export interface PodApp {
  readonly pod: NetworkPod;
  /** Does one of the operations of `interception/app.mjs` in the pod. Rejects with what went wrong there. */
  // biome-ignore lint/suspicious/noExplicitAny: every operation has an answer of its own, which the test looks at.
  do(operation: string, options?: Readonly<Record<string, unknown>>): Promise<any>;
}

export interface PodAppOptions {
  readonly uid?: number;
  readonly mounts?: Readonly<Record<string, string>>;
}

export function startPodApp(pod: NetworkPod, { uid = APP_UID, mounts = {} }: PodAppOptions = {}): PodApp {
  const child: ChildProcess = pod.start([process.execPath, APP, pod.name], {
    uid,
    capabilities: ["dac_read_search"],
    mounts,
  });
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-10_000);
  });
  const waiting = new Map<number, { done(result: unknown): void; fail(error: Error): void }>();
  let ended: string | undefined;
  child.on("close", (code) => {
    ended = `the app of ${pod.name} ended with ${code}: ${errors}`;
    for (const { fail } of waiting.values()) fail(new Error(ended));
  });
  child.stdin?.on("error", () => {});
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { id, result, error } = JSON.parse(line) as { id: number; result?: unknown; error?: string };
      const caller = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) caller?.done(result);
      else caller?.fail(new Error(`${pod.name}: ${error}`));
    });
  let last = 0;
  return {
    pod,
    do: (operation, options = {}) =>
      new Promise((done, fail) => {
        if (ended !== undefined) return fail(new Error(ended));
        const id = ++last;
        waiting.set(id, { done, fail });
        child.stdin?.write(`${JSON.stringify({ id, operation, ...options })}\n`);
      }),
  };
}
