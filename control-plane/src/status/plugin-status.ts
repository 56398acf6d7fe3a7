import { type Diagnostic, formatDiagnostic } from "../model/diagnostic.js";
import { type ModuleState, type ServedPlugin, servedPlugin } from "../model/module-state.js";
import type { Plugin } from "../model/plugin.js";
import type { RolloutReport } from "../model/rollout.js";
import { acceptedCondition, type Condition, type ConditionNow, dateConditions } from "./condition.js";
import { moduleConditions } from "./module-conditions.js";

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

/** Where a rollout stands, with the version on its way as it is remembered. */
export type RolloutStatus = Omit<RolloutReport, "candidate"> & { readonly candidate?: LastGood };

/** The status of a WasmPlugin. It is input too: a restarted control plane goes on from it. */
export interface PluginStatus {
  readonly conditions: readonly Condition[];
  readonly diagnostics?: readonly string[];
  /** Of the image that is wanted now, served or not. */
  readonly digest?: string;
  /** Of the module that is served, as it came. */
  readonly wasmSha256?: string;
  /** Of the same as proxies get it: with its memory maximum. */
  readonly servedSha256?: string;
  readonly proxies: ProxyCounts;
  /** The version in force. */
  readonly lastGood?: LastGood;
  readonly rollout?: RolloutStatus;
  readonly rejected?: readonly { readonly version: string; readonly message: string }[];
}

export interface PluginStatusInput {
  readonly plugin: Plugin;
  readonly module: ModuleState | undefined;
  readonly rejected: readonly { readonly version: string; readonly message: string }[];
  readonly proxies: ProxyCounts;
  readonly rollout?: RolloutReport;
  readonly problems: readonly Diagnostic[];
  readonly previous: readonly Condition[];
  /** RFC 3339. */
  readonly now: string;
}

export function pluginStatus(input: PluginStatusInput): PluginStatus {
  const { plugin, module, proxies, problems, rejected } = input;
  const served = servedPlugin(module);
  const { rollout } = input;
  const wanted = module?.rollout?.candidate ?? served;
  const digest = module?.kind === "failed" ? (module.digest ?? wanted?.digest) : wanted?.digest;
  const conditions = dateConditions(
    input.previous,
    [
      acceptedCondition(problems, plugin.generation),
      ...moduleConditions(module, plugin.generation),
      rollingOut(rollout, plugin.generation) ?? programmed(plugin, module, proxies),
      rolledBack(rollout, module, plugin.generation) ?? degraded(module, proxies, plugin.generation),
    ],
    input.now,
  );
  return {
    conditions,
    ...(problems.length === 0 ? {} : { diagnostics: problems.map(formatDiagnostic) }),
    ...(digest === undefined ? {} : { digest }),
    ...(served === undefined ? {} : { wasmSha256: served.wasmSha256, servedSha256: served.servedSha256 }),
    proxies,
    ...(served === undefined ? {} : { lastGood: lastGoodOf(served) }),
    ...(rollout === undefined ? {} : { rollout: rolloutStatusOf(rollout) }),
    ...(rejected.length === 0 ? {} : { rejected }),
  };
}

function rolloutStatusOf({ candidate, ...rest }: RolloutReport): RolloutStatus {
  return { ...rest, ...(candidate === undefined ? {} : { candidate: lastGoodOf(candidate) }) };
}

/** While a version is on its way, proxies run two; that is as it should be, and not yet what is wanted. */
function rollingOut(rollout: RolloutReport | undefined, observedGeneration: string): ConditionNow | undefined {
  if (rollout === undefined || (rollout.state !== "Progressing" && rollout.state !== "Paused")) return undefined;
  const { step, steps, weight, message, proxies = { candidate: 0, stable: 0 } } = rollout;
  return {
    type: "Programmed",
    status: "False",
    reason: rollout.state === "Paused" ? "RolloutPaused" : "RollingOut",
    message: `step ${step} of ${steps} (weight ${weight}): ${proxies.candidate} proxies run the new version, ${proxies.stable} the one in force; ${message}`,
    observedGeneration,
  };
}

/** The wanted version is the one that was taken back. */
function rolledBack(
  rollout: RolloutReport | undefined,
  module: ModuleState | undefined,
  observedGeneration: string,
): ConditionNow | undefined {
  if (module?.kind !== "failed" || module.digest !== rollout?.digest) return undefined;
  if (rollout?.state !== "RolledBack" && rollout?.state !== "Aborted") return undefined;
  const inForce = module.lastGood === undefined ? "" : `; ${module.lastGood.digest} is in force`;
  const message = `${rollout.message}${inForce}`;
  return { type: "Degraded", status: "True", reason: rollout.state, message, observedGeneration };
}

function lastGoodOf({ version, wasm: _wasm, ...rest }: ServedPlugin): LastGood {
  return { ...rest, resourceVersion: version };
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
  const since = plugin.type === "network" ? " on new connections; open ones keep what they had" : "";
  const message = `${acked} of ${matched} proxies run it${since}`;
  if (acked < matched) return { ...base, status: "False", reason: "Progressing", message };
  return { ...base, status: "True", reason: "Programmed", message };
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
