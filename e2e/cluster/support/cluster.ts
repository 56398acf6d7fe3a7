import { execFile, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { appendFile, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";

const OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024;
const LIMIT = "180s";

/** A command did not end well; the message has what it printed. */
export class CommandError extends Error {
  readonly code = "COMMAND_FAILED";
  readonly output: string;

  constructor(command: string, output: string) {
    super(`${command}\n${output}`);
    this.output = output;
  }
}

export const place = inject("cluster");

/** Whether the cluster is our own on this machine, whose daemons can be ended. */
export const isOwn = place.folder !== undefined;

/** What `kubectl` remembers of a cluster's kinds goes with the cluster, and a story's own kinds are seen at once. */
export const ENVIRONMENT = {
  ...process.env,
  KUBECACHEDIR:
    place.folder === undefined ? mkdtempSync(join(tmpdir(), "weft-kubectl-")) : join(place.folder, "kubectl"),
};

/** Runs `kubectl` to its end; gives what it printed. */
export function kubectl(...args: readonly string[]): Promise<string> {
  return kubectlWith("", ...args);
}

/** The same, with something on its standard input. */
export function kubectlWith(input: string, ...args: readonly string[]): Promise<string> {
  return command([process.env.WEFT_KUBECTL ?? "kubectl", "--kubeconfig", place.kubeconfig, ...args], input);
}

export function helm(...args: readonly string[]): Promise<string> {
  return command([process.env.WEFT_HELM ?? "helm", "--kubeconfig", place.kubeconfig, ...args]);
}

function command([file, ...args]: readonly string[], input = ""): Promise<string> {
  return new Promise((done, fail) => {
    const child = execFile(
      file as string,
      args,
      { maxBuffer: OUTPUT_LIMIT_BYTES, env: ENVIRONMENT },
      (error, stdout, stderr) => {
        if (error === null) done(stdout);
        else
          fail(new CommandError([file, ...args].join(" "), `${stdout}${stderr}${stderr === "" ? error.message : ""}`));
      },
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

export async function apply(...items: readonly object[]): Promise<void> {
  await kubectlWith(JSON.stringify({ apiVersion: "v1", kind: "List", items }), "apply", "-f", "-");
}

// biome-ignore lint/suspicious/noExplicitAny: an object of any kind, as the API server says it
export async function get(...args: readonly string[]): Promise<any> {
  return JSON.parse(await kubectl("get", ...args, "-o", "json"));
}

export async function rolledOut(namespace: string, ...workloads: readonly string[]): Promise<void> {
  for (const workload of workloads) await kubectl("rollout", "status", "-n", namespace, workload, `--timeout=${LIMIT}`);
}

/** Runs a program in the app's container of a workload's pod. */
export function execIn(namespace: string, workload: string, ...program: readonly string[]): Promise<string> {
  return kubectl("exec", "-n", namespace, workload, "-c", "app", "--", ...program);
}

/** Does one operation of `e2e/interception/app.mjs` in the app's container of a pod. */
// biome-ignore lint/suspicious/noExplicitAny: every operation has an answer of its own, which the test looks at
export async function doIn(namespace: string, workload: string, operation: string, options: object): Promise<any> {
  const line = `${JSON.stringify({ id: 1, operation, ...options })}\n`;
  const args = ["exec", "-i", "-n", namespace, workload, "-c", "app", "--", "node", "/app/client.mjs", workload];
  const { result, error } = JSON.parse(await kubectlWith(line, ...args));
  if (error !== undefined) throw new Error(`${namespace}/${workload}: ${error}`);
  return result;
}

/** How often each answer, as `status message`, or each error was seen. */
export type Answers = Readonly<Record<string, number>>;

/** Sends requests from a pod, each on a connection of its own, and counts the answers. */
export async function load(
  namespace: string,
  workload: string,
  { url, count, concurrency = 1, headers = {} }: LoadOptions,
): Promise<Answers> {
  const fields = Object.entries(headers).map(([name, value]) => `${name}:${value}`);
  const args = ["/app/load.mjs", url, String(count), String(concurrency), ...fields];
  return JSON.parse(await execIn(namespace, workload, "node", ...args));
}

export interface LoadOptions {
  readonly url: string;
  readonly count: number;
  readonly concurrency?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends requests until `stop`, which gives the answers. */
export function startLoad(
  namespace: string,
  workload: string,
  { url, concurrency = 2 }: Omit<LoadOptions, "count">,
): { stop(): Promise<Answers> } {
  const args = ["--kubeconfig", place.kubeconfig, "exec", "-i", "-n", namespace, workload, "-c", "app", "--"];
  const child = spawn(
    process.env.WEFT_KUBECTL ?? "kubectl",
    [...args, "node", "/app/load.mjs", url, "0", String(concurrency)],
    { stdio: ["pipe", "pipe", "pipe"], env: ENVIRONMENT },
  );
  let printed = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  return {
    stop: async () => {
      child.stdin.end();
      await ended;
      const last = printed.trim().split("\n").at(-1) ?? "";
      if (!last.startsWith("{")) throw new Error(`the load said no counts: ${printed}${errors}`);
      return JSON.parse(last);
    },
  };
}

/** A Namespace for a story alone. */
export async function createNamespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
  await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
}

/** Begins to remove it with all in it; nobody waits for the end. */
export async function removeNamespace(name: string): Promise<void> {
  await kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false");
}

/** Tells our own cluster to end or to start one of its daemons. */
export async function tellDaemon(verb: "start" | "stop" | "kill", name: "kubelet" | "kube-apiserver"): Promise<void> {
  if (place.folder === undefined) throw new Error("the cluster is not our own");
  await appendFile(join(place.folder, "control"), `${verb} ${name}\n`);
}

/** What is in the cluster now, for a test that failed. */
export async function report(): Promise<string> {
  const asked = [
    kubectl("get", "pods", "-A", "-o", "wide"),
    kubectl("get", "events", "-A", "--sort-by=.lastTimestamp").then((text) => lastLines(text, 20)),
    controlPlaneLogs("--tail=60", "--prefix"),
    controlPlaneLogs("--previous", "--tail=20"),
    daemonLogs(),
  ];
  const answers = await Promise.allSettled(asked);
  return answers.map((answer) => (answer.status === "fulfilled" ? answer.value : "")).join("\n");
}

const controlPlaneLogs = (...options: readonly string[]): Promise<string> =>
  kubectl("logs", "-n", "weft-system", "-l", "app.kubernetes.io/part-of=weft", "--all-containers", ...options);

async function daemonLogs(): Promise<string> {
  if (place.folder === undefined) return "";
  const logs = join(place.folder, "logs");
  const names = (await readdir(logs)).filter((name) => /^(kubelet|containerd)/.test(name));
  const texts = await Promise.all(names.map(async (name) => [name, await readFile(join(logs, name), "utf8")] as const));
  return texts.map(([name, text]) => `--- ${name}\n${lastLines(text, 15)}`).join("\n");
}

const lastLines = (text: string, count: number): string =>
  text
    .trimEnd()
    .split("\n")
    .slice(-count)
    .map((line) => line.slice(0, 300))
    .join("\n");
