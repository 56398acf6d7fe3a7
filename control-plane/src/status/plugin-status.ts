import { type Diagnostic, formatDiagnostic } from "../model/diagnostic.js";
import { type ModuleStage, type ModuleState, type ServedPlugin, servedPlugin } from "../model/module-state.js";
import type { Plugin } from "../model/plugin.js";
import { acceptedCondition, type Condition, type ConditionNow, dateConditions } from "./condition.js";

/** How far a plugin has come among the proxies that are connected. */
export interface ProxyCounts {
  /** Proxies that should run it. */
  readonly matched: number;
  /** Of these, those that acknowledged what they should have now. */
  readonly acked: number;
  /** Of these, those that refused it last. */
  readonly rejected: number;
  /** One of the refusals, in Envoy's words. */
  readonly lastError?: string;
}

/** What a restarted control plane needs to serve a plugin as it was, but the bytes. */
export type LastGood = Omit<ServedPlugin, "version" | "wasm"> & { readonly resourceVersion: string };

/** The status of a WasmPlugin. It is input too: a restarted control plane goes on from it. */
export interface PluginStatus {
  readonly conditions: readonly Condition[];
  readonly diagnostics?: readonly string[];
  /** Of the image that is wanted now, served or not. */
  readonly digest?: string;
  /** Of the module that is served. */
  readonly wasmSha256?: string;
  readonly servedSha256?: string;
  readonly proxies: ProxyCounts;
  readonly lastGood?: LastGood;
  readonly rejected?: readonly { readonly version: string; readonly message: string }[];
}

export interface PluginStatusInput {
  readonly plugin: Plugin;
  readonly module: ModuleState | undefined;
  readonly rejected: readonly { readonly version: string; readonly message: string }[];
  readonly proxies: ProxyCounts;
  readonly problems: readonly Diagnostic[];
  readonly previous: readonly Condition[];
  /** RFC 3339. */
  readonly now: string;
}

export function pluginStatus(input: PluginStatusInput): PluginStatus {
  const { plugin, module, proxies, problems, rejected } = input;
  const served = servedPlugin(module);
  const digest = module?.kind === "failed" ? (module.digest ?? served?.digest) : served?.digest;
  const conditions = dateConditions(
    input.previous,
    [
      acceptedCondition(problems, plugin.generation),
      ...moduleConditions(module, plugin.generation),
      programmed(plugin, module, proxies),
      degraded(module, proxies, plugin.generation),
    ],
    input.now,
  );
  return {
    conditions,
    ...(problems.length === 0 ? {} : { diagnostics: problems.map(formatDiagnostic) }),
    ...(digest === undefined ? {} : { digest }),
    ...(served === undefined ? {} : { wasmSha256: served.wasmSha256, servedSha256: served.wasmSha256 }),
    proxies,
    ...(served === undefined ? {} : { lastGood: lastGoodOf(served) }),
    ...(rejected.length === 0 ? {} : { rejected }),
  };
}

function lastGoodOf({ version, wasm: _wasm, ...rest }: ServedPlugin): LastGood {
  return { ...rest, resourceVersion: version };
}

const STAGES: readonly ModuleStage[] = ["Resolved", "Verified", "Validated"];

function moduleConditions(module: ModuleState | undefined, observedGeneration: string): ConditionNow[] {
  const failedAt = module?.kind === "failed" ? STAGES.indexOf(module.failure.stage) : -1;
  return STAGES.map((type, index) => {
    if (module?.kind === "ready") return { type, status: "True", reason: type, message: "", observedGeneration };
    if (module?.kind !== "failed" || index > failedAt)
      return {
        type,
        status: "Unknown",
        reason: "Pending",
        message: pendingMessage(module),
        observedGeneration,
      };
    if (index < failedAt) return { type, status: "True", reason: type, message: "", observedGeneration };
    const { reason, message, nextAttempt } = module.failure;
    const next = nextAttempt === undefined ? "" : `; next attempt at ${nextAttempt}`;
    return { type, status: "False", reason, message: `${message}${next}`, observedGeneration };
  });
}

function pendingMessage(module: ModuleState | undefined): string {
  if (module === undefined) return "nothing is known of the module yet";
  return module.kind === "pending" ? module.message : "an earlier step failed";
}

function programmed(plugin: Plugin, module: ModuleState | undefined, { matched, acked }: ProxyCounts): ConditionNow {
  const base = { type: "Programmed", observedGeneration: plugin.generation };
  const served = servedPlugin(module);
  if (served === undefined && plugin.failStrategy === "FAIL_CLOSE" && ["authn", "authz"].includes(plugin.phase ?? ""))
    return {
      ...base,
      status: "False",
      reason: "DeniedUntilReady",
      message: `no version of this guard was ready yet; ${matched} proxies refuse all requests until one is`,
    };
  if (served === undefined)
    return { ...base, status: "False", reason: "NeverReady", message: "no version of this plugin was ready yet" };
  if (module?.kind === "pending")
    return {
      ...base,
      status: "Unknown",
      reason: "Pending",
      message: `what is wanted is being checked; ${acked} of ${matched} proxies run the last good version`,
    };
  if (matched === 0)
    return { ...base, status: "False", reason: "NoProxies", message: "no connected proxy is selected by this plugin" };
  if (acked < matched)
    return { ...base, status: "False", reason: "Progressing", message: `${acked} of ${matched} proxies run it` };
  return { ...base, status: "True", reason: "Programmed", message: `${acked} of ${matched} proxies run it` };
}

function degraded(
  module: ModuleState | undefined,
  { rejected, lastError }: ProxyCounts,
  observedGeneration: string,
): ConditionNow {
  const base = { type: "Degraded", observedGeneration };
  if (rejected > 0)
    return {
      ...base,
      status: "True",
      reason: "RejectedByProxy",
      message: `${rejected} proxies refused it: ${lastError}`,
    };
  if (module?.kind === "failed" && module.lastGood !== undefined)
    return {
      ...base,
      status: "True",
      reason: "LastGoodServed",
      message: `the wanted version is not usable; ${module.lastGood.digest} stays in force`,
    };
  return { ...base, status: "False", reason: "AsWanted", message: "" };
}
