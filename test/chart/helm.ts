import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments, stringify } from "yaml";
import { programsFolder } from "../kubernetes/programs.js";

export const CHART = fileURLToPath(new URL("../../charts/weft", import.meta.url));
export const NAMESPACE = "weft-system";

/** Without a cluster Helm takes the version that it was built with for the cluster's. */
export const TEMPLATE = ["template", "weft", CHART, "--namespace", NAMESPACE, "--kube-version", "1.37.0"];

/** An object of the rendered chart. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: objects of all kinds
  readonly [field: string]: any;
}

export interface HelmResult {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Helm: WEFT_HELM, else of the PATH, else what the tests with Kubernetes built; undefined where there is none. */
export function helmPath(env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (env.WEFT_HELM) return env.WEFT_HELM;
  const folders = [...(env.PATH ?? "").split(delimiter), programsFolder()];
  return folders.map((folder) => join(folder, "helm")).find((path) => existsSync(path));
}

/** Runs Helm with nothing of the user's own configuration. */
export function helm(args: readonly string[], env: NodeJS.ProcessEnv = {}): HelmResult {
  const path = helmPath();
  if (path === undefined) throw new Error("there is no helm: run node scripts/kubernetes-tools.mjs");
  const home = mkdtempSync(join(tmpdir(), "weft-helm-"));
  try {
    const folders = { HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home };
    const ran = spawnSync(path, args, {
      encoding: "utf8",
      env: { PATH: process.env.PATH, HOME: home, ...folders, ...env },
    });
    if (ran.error !== undefined) throw ran.error;
    return { ok: ran.status === 0, stdout: ran.stdout, stderr: ran.stderr };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Helm with values in a file of their own. */
export function helmWithValues(args: readonly string[], values: unknown, env: NodeJS.ProcessEnv = {}): HelmResult {
  const folder = mkdtempSync(join(tmpdir(), "weft-values-"));
  try {
    const file = join(folder, "values.yaml");
    writeFileSync(file, typeof values === "string" ? values : stringify(values));
    return helm([...args, "--values", file], env);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function template(values: unknown = {}): string {
  const { ok, stdout, stderr } = helmWithValues(TEMPLATE, values);
  if (!ok) throw new Error(stderr);
  return stdout;
}

/** The objects of the chart, in an order and a form that do not depend on the version of Helm. */
export function renderText(values: unknown): string {
  const keyOf = ({ kind, metadata }: Rendered) => `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;
  const objects = [...render(values)].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  return objects.map((object) => stringify(object, { lineWidth: 120 })).join("---\n");
}

export function render(values: unknown = {}): readonly Rendered[] {
  const objects = parseAllDocuments(template(values)).map((document) => document.toJS() as Rendered | null);
  return objects.filter((object) => object !== null);
}
